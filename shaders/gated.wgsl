// `silu(gate) * up` for rows `[T, 2 F]` of gates and values: `[T, F]`. A thread takes one value.
struct Shape {
    width: u32,
}

var<immediate> shape: Shape;

@group(0) @binding(0) var<storage, read> inputs: array<f32>;
@group(0) @binding(1) var<storage, read_write> outputs: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= shape.width {
        return;
    }
    let gate = inputs[id.y * 2u * shape.width + id.x];
    let up = inputs[(id.y * 2u + 1u) * shape.width + id.x];
    outputs[id.y * shape.width + id.x] = gate / (1.0 + exp(-gate)) * up;
}
