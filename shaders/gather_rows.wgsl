// Copies the rows of `[T, width]` that `rows` names side by side: `[n, width]`.
struct Shape {
    width: u32,
}

var<immediate> shape: Shape;

@group(0) @binding(0) var<storage, read> rows: array<u32>;
@group(0) @binding(1) var<storage, read> inputs: array<f32>;
@group(0) @binding(2) var<storage, read_write> outputs: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x < shape.width {
        outputs[id.y * shape.width + id.x] = inputs[rows[id.y] * shape.width + id.x];
    }
}
