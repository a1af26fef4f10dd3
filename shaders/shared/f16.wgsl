// Weights as half-precision numbers, two a word: 16 words a block.
fn scales(base: u32, block: u32) -> vec2f {
    return vec2f(1.0, 0.0);
}

fn weights4(base: u32, block: u32, quad: u32, scale: vec2f) -> vec4f {
    let at = (block * 16u + quad * 2u) * 64u + base;
    return vec4f(unpack2x16float(weights[at]), unpack2x16float(weights[at + 64u]));
}
