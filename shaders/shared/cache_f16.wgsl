// Keys and values in the cache in half precision, two a word.
alias Cached2 = u32;
alias Cached4 = vec2u;

// What is too large for half precision becomes its largest number.
fn to_cache(values: vec2f) -> Cached2 {
    return pack2x16float(clamp(values, vec2f(-65504.0), vec2f(65504.0)));
}

fn from_cache(cached: Cached4) -> vec4f {
    return vec4f(unpack2x16float(cached.x), unpack2x16float(cached.y));
}

