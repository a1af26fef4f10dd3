// Weights as half-precision numbers, two a word: 16 words a block.
fn scales(row: u32, block: u32) -> vec2f {
    return vec2f(1.0, 0.0);
}

fn weights4(row: u32, block: u32, quad: u32, scale: vec2f) -> vec4f {
    let at = (block * 16u + quad * 2u) * shape.n_out + row;
    return vec4f(unpack2x16float(weights[at]), unpack2x16float(weights[at + shape.n_out]));
}
