// Weights as the upper halves of single-precision numbers, two a word: 16 words a block.
fn scales(base: u32, block: u32) -> vec2f {
    return vec2f(1.0, 0.0);
}

fn weights4(base: u32, block: u32, quad: u32, scale: vec2f) -> vec4f {
    let at = (block * 16u + quad * 2u) * 64u + base;
    let words = vec2u(weights[at], weights[at + 64u]);
    let low = words << vec2u(16u);
    let high = words & vec2u(0xffff0000u);
    return bitcast<vec4f>(vec4u(low.x, high.x, low.y, high.y));
}
