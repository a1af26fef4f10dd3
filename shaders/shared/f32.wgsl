// Weights as single-precision numbers: 32 words a block.
fn scales(base: u32, block: u32) -> vec2f {
    return vec2f(1.0, 0.0);
}

fn weights4(base: u32, block: u32, quad: u32, scale: vec2f) -> vec4f {
    let at = (block * 32u + quad * 4u) * 64u + base;
    return bitcast<vec4f>(vec4u(weights[at], weights[at + 64u], weights[at + 128u], weights[at + 192u]));
}
