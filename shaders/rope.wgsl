// Rotates the queries of rows `[T, (H + 2 K) size]` in place, and the keys into the cache, where the
// values go beside them. Pairs of values turn together: `(2 i, 2 i + 1)`, or `(i, i + half)` with
// HALVES. A thread moves two pairs, so that what it writes to the cache are whole words.
struct Shape {
    n_heads: u32,
    n_kv_heads: u32,
    size: u32,
}

var<immediate> shape: Shape;

@group(0) @binding(0) var<storage, read> angles: array<vec2f>; // [T, size / 2], cosine and sine
@group(0) @binding(1) var<storage, read> slots: array<u32>; // [T], the token's place in the cache
@group(0) @binding(2) var<storage, read_write> values: array<f32>;
@group(0) @binding(3) var<storage, read_write> cached_keys: array<Cached2>;
@group(0) @binding(4) var<storage, read_write> cached_values: array<Cached2>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let half = shape.size / 2u;
    let head = id.x / (half / 2u);
    let pair = id.x % (half / 2u) * 2u;
    let n_all = shape.n_heads + 2u * shape.n_kv_heads;
    if head >= n_all {
        return;
    }
    // Two neighbouring values each, which are a pair, or of which the first are one and the second.
    var a = 2u * pair;
    var b = a + 2u;
    if HALVES == 1u {
        a = pair;
        b = pair + half;
    }
    let start = (id.y * n_all + head) * shape.size;
    var one = vec2f(values[start + a], values[start + a + 1u]);
    var two = vec2f(values[start + b], values[start + b + 1u]);
    let row = slots[id.y] * shape.n_kv_heads * shape.size;
    if head >= shape.n_heads + shape.n_kv_heads {
        let to = row + (head - shape.n_heads - shape.n_kv_heads) * shape.size;
        cached_values[(to + a) / 2u] = to_cache(one);
        cached_values[(to + b) / 2u] = to_cache(two);
        return;
    }
    let first = angles[id.y * half + pair];
    let second = angles[id.y * half + pair + 1u];
    if HALVES == 1u {
        let cosine = vec2f(first.x, second.x);
        let sine = vec2f(first.y, second.y);
        let turned = one * cosine - two * sine;
        two = one * sine + two * cosine;
        one = turned;
    } else {
        one = vec2f(one.x * first.x - one.y * first.y, one.x * first.y + one.y * first.x);
        two = vec2f(two.x * second.x - two.y * second.y, two.x * second.y + two.y * second.x);
    }
    if head < shape.n_heads {
        values[start + a] = one.x;
        values[start + a + 1u] = one.y;
        values[start + b] = two.x;
        values[start + b + 1u] = two.y;
    } else {
        let to = row + (head - shape.n_heads) * shape.size;
        cached_keys[(to + a) / 2u] = to_cache(one);
        cached_keys[(to + b) / 2u] = to_cache(two);
    }
}
