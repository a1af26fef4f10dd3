// The query and key norm of Qwen3: `n_heads` heads of `size` values from column `first` on of rows
// `[T, stride]`, each divided by its root mean square and weighed, in place. A thread a head.
struct Shape {
    n_rows: u32,
    stride: u32,
    first: u32,
    n_heads: u32,
    size: u32,
    epsilon: f32,
}

var<immediate> shape: Shape;

@group(0) @binding(0) var<storage, read> weights: array<f32>;
@group(0) @binding(1) var<storage, read_write> values: array<f32>;

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= shape.n_heads {
        return;
    }
    let start = id.y * shape.stride + shape.first + id.x * shape.size;
    var sum = 0.0;
    for (var ix = 0u; ix < shape.size; ix++) {
        let x = values[start + ix];
        sum = fma(x, x, sum);
    }
    let factor = 1.0 / sqrt(sum / f32(shape.size) + shape.epsilon);
    for (var ix = 0u; ix < shape.size; ix++) {
        values[start + ix] = values[start + ix] * factor * weights[ix];
    }
}
