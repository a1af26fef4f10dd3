// Copies asked logits out of a tile `[T, width]`, of which the first column is vocabulary entry
// `first`: entry `targets[i].y` of row `targets[i].x` to `outputs[i]`.
struct Shape {
    width: u32,
    first: u32,
    n: u32,
}

var<immediate> shape: Shape;

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> targets: array<vec2u>;
@group(0) @binding(2) var<storage, read_write> outputs: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= shape.n {
        return;
    }
    let place = targets[id.x];
    let column = place.y - shape.first;
    // Entries before the tile wrap around and are not in it either.
    if column < shape.width {
        outputs[id.x] = logits[place.x * shape.width + column];
    }
}
