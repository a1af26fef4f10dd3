// Weights as single-precision numbers: 32 words a block.
fn scales(row: u32, block: u32) -> vec2f {
    return vec2f(1.0, 0.0);
}

fn weights4(row: u32, block: u32, quad: u32, scale: vec2f) -> vec4f {
    let at = (block * 32u + quad * 4u) * shape.n_out + row;
    let n = shape.n_out;
    return bitcast<vec4f>(vec4u(weights[at], weights[at + n], weights[at + 2u * n], weights[at + 3u * n]));
}
