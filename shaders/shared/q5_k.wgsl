// A super-block of eight blocks: two halves, 12 bytes of scales, 256 nibbles, then the fifth bits, a
// word a block: 44 words.
const WORDS: u32 = 44u;

fn weights4(base: u32, block: u32, quad: u32, scale: vec2f) -> vec4f {
    let start = block / 8u * WORDS;
    let word = bitcast<i32>(weights[(start + 4u + (block & 7u) * 4u + quad / 2u) * 64u + base]);
    let bits = bitcast<i32>(weights[(start + 36u + (block & 7u)) * 64u + base]);
    let first = (quad & 1u) * 16u;
    let nibbles = (vec4i(word) >> (vec4u(0u, 4u, 8u, 12u) + first)) & vec4i(15);
    let fifth = (vec4i(bits) >> (vec4u(0u, 1u, 2u, 3u) + quad * 4u)) & vec4i(1);
    return fma(vec4f(nibbles + fifth * 16), vec4f(scale.x), vec4f(scale.y));
}
