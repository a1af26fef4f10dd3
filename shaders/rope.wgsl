// Rotates the queries of rows `[T, (H + 2 K) size]` in place, and the keys into the cache, where the
// values go beside them. A thread moves one pair: `(2 i, 2 i + 1)`, or `(i, i + half)` with HALVES.
struct Shape {
    n_heads: u32,
    n_kv_heads: u32,
    size: u32,
}

var<immediate> shape: Shape;

@group(0) @binding(0) var<storage, read> angles: array<vec2f>; // [T, size / 2], cosine and sine
@group(0) @binding(1) var<storage, read> slots: array<u32>; // [T], the token's place in the cache
@group(0) @binding(2) var<storage, read_write> values: array<f32>;
@group(0) @binding(3) var<storage, read_write> cached_keys: array<f32>;
@group(0) @binding(4) var<storage, read_write> cached_values: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let half = shape.size / 2u;
    let head = id.x / half;
    let pair = id.x % half;
    let n_all = shape.n_heads + 2u * shape.n_kv_heads;
    if head >= n_all {
        return;
    }
    var a = 2u * pair;
    var b = a + 1u;
    if HALVES == 1u {
        a = pair;
        b = pair + half;
    }
    let start = (id.y * n_all + head) * shape.size;
    let x = values[start + a];
    let y = values[start + b];
    let turn = angles[id.y * half + pair];
    let turned = vec2f(x * turn.x - y * turn.y, x * turn.y + y * turn.x);
    let row = slots[id.y] * shape.n_kv_heads * shape.size;
    if head < shape.n_heads {
        values[start + a] = turned.x;
        values[start + b] = turned.y;
    } else if head < shape.n_heads + shape.n_kv_heads {
        let to = row + (head - shape.n_heads) * shape.size;
        cached_keys[to + a] = turned.x;
        cached_keys[to + b] = turned.y;
    } else {
        let to = row + (head - shape.n_heads - shape.n_kv_heads) * shape.size;
        cached_values[to + a] = x;
        cached_values[to + b] = y;
    }
}
