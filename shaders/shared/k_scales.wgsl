// The 6-bit scales and offsets of the eight blocks of a super-block, packed into the three words
// behind its two halves; WORDS is the super-block's length.
fn byte_at(base: u32, super_block: u32, ix: u32) -> u32 {
    let word = weights[(super_block * WORDS + 1u + ix / 4u) * 64u + base];
    return (word >> (8u * (ix & 3u))) & 255u;
}

fn scales(base: u32, block: u32) -> vec2f {
    let super_block = block / 8u;
    let ix = block & 7u;
    let factors = unpack2x16float(weights[super_block * WORDS * 64u + base]);
    var scale = byte_at(base, super_block, ix & 3u);
    var offset = byte_at(base, super_block, 4u + (ix & 3u));
    if ix < 4u {
        scale = scale & 63u;
        offset = offset & 63u;
    } else {
        let low = byte_at(base, super_block, 4u + ix);
        scale = (low & 15u) | ((scale >> 6u) << 4u);
        offset = (low >> 4u) | ((offset >> 6u) << 4u);
    }
    return vec2f(factors.x * f32(scale), -factors.y * f32(offset));
}
