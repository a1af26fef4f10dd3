// 32 signed bytes (8 words a block); all blocks' scales stand behind them, two halves a word.
fn scales(base: u32, block: u32) -> vec2f {
    let at = (shape.n_in / 4u + block / 2u) * 64u + base;
    let pair = unpack2x16float(weights[at]);
    return vec2f(select(pair.x, pair.y, (block & 1u) == 1u), 0.0);
}

fn weights4(base: u32, block: u32, quad: u32, scale: vec2f) -> vec4f {
    let word = bitcast<i32>(weights[(block * 8u + quad) * 64u + base]);
    // Shifted up and back so that the sign comes along.
    let bytes = (vec4i(word) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u);
    return vec4f(bytes) * scale.x;
}
