// 32 nibbles, less 8 (4 words a block); all blocks' scales stand behind them, two halves a word.
fn scales(base: u32, block: u32) -> vec2f {
    let at = (shape.n_in / 8u + block / 2u) * 64u + base;
    let pair = unpack2x16float(weights[at]);
    return vec2f(select(pair.x, pair.y, (block & 1u) == 1u), 0.0);
}

fn weights4(base: u32, block: u32, quad: u32, scale: vec2f) -> vec4f {
    let word = bitcast<i32>(weights[(block * 4u + quad / 2u) * 64u + base]);
    let first = (quad & 1u) * 16u;
    let nibbles = (vec4i(word) >> (vec4u(0u, 4u, 8u, 12u) + first)) & vec4i(15);
    return vec4f(nibbles - 8) * scale.x;
}
