// A word with scale and offset (two halves), then 32 nibbles: 5 words a block.
fn scales(base: u32, block: u32) -> vec2f {
    return unpack2x16float(weights[block * 5u * 64u + base]);
}

fn weights4(base: u32, block: u32, quad: u32, scale: vec2f) -> vec4f {
    let word = bitcast<i32>(weights[(block * 5u + 1u + quad / 2u) * 64u + base]);
    let first = (quad & 1u) * 16u;
    // Signed, as a software adapter turns signed numbers into floating point much faster.
    let nibbles = (vec4i(word) >> (vec4u(0u, 4u, 8u, 12u) + first)) & vec4i(15);
    return fma(vec4f(nibbles), vec4f(scale.x), vec4f(scale.y));
}
