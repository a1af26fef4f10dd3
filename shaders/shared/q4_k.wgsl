// A super-block of eight blocks: two halves, 12 bytes of scales, 256 nibbles: 36 words.
const WORDS: u32 = 36u;

fn weights4(base: u32, block: u32, quad: u32, scale: vec2f) -> vec4f {
    let at = block / 8u * WORDS + 4u + (block & 7u) * 4u + quad / 2u;
    let word = bitcast<i32>(weights[at * 64u + base]);
    let first = (quad & 1u) * 16u;
    let nibbles = (vec4i(word) >> (vec4u(0u, 4u, 8u, 12u) + first)) & vec4i(15);
    return fma(vec4f(nibbles), vec4f(scale.x), vec4f(scale.y));
}
