// A super-block of eight blocks: 256 nibbles, 256 pairs of upper bits, 16 signed bytes of scales, a
// half: 53 words. A block has two scales, one for each 16 weights.
const WORDS: u32 = 53u;

fn scales(base: u32, block: u32) -> vec2f {
    let start = block / 8u * WORDS;
    let pair = block & 7u;
    let word = bitcast<i32>(weights[(start + 48u + pair / 2u) * 64u + base]);
    let factor = unpack2x16float(weights[(start + 52u) * 64u + base]).x;
    let up = select(vec2u(24u, 16u), vec2u(8u, 0u), (pair & 1u) == 1u);
    return vec2f((vec2i(word) << up) >> vec2u(24u)) * factor;
}

fn weights4(base: u32, block: u32, quad: u32, scale: vec2f) -> vec4f {
    let start = block / 8u * WORDS;
    let ix = block & 7u;
    let word = bitcast<i32>(weights[(start + ix * 4u + quad / 2u) * 64u + base]);
    let pairs = bitcast<i32>(weights[(start + 32u + ix * 2u + quad / 4u) * 64u + base]);
    let nibbles = (vec4i(word) >> (vec4u(0u, 4u, 8u, 12u) + (quad & 1u) * 16u)) & vec4i(15);
    let upper = (vec4i(pairs) >> (vec4u(0u, 2u, 4u, 6u) + (quad & 3u) * 8u)) & vec4i(3);
    return vec4f(nibbles + upper * 16 - 32) * select(scale.x, scale.y, quad >= 4u);
}
