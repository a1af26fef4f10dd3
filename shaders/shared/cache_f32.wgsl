// Keys and values in the cache in single precision.
alias Cached2 = vec2f;
alias Cached4 = vec4f;

fn to_cache(values: vec2f) -> Cached2 {
    return values;
}

fn from_cache(cached: Cached4) -> vec4f {
    return cached;
}

