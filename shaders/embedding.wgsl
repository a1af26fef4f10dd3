// The rows of the embedding `[n_out, n_in]` that `ids` name, as `[T, n_in]`. A thread decodes four.
struct Shape {
    // The first of the embedding's rows that `weights` holds.
    first: u32,
    n_in: u32,
    n_out: u32,
    // Words of a row of the weights.
    words: u32,
}

var<immediate> shape: Shape;

@group(0) @binding(0) var<storage, read> weights: array<u32>;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read_write> outputs: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let width = shape.n_in / 4u;
    if id.x >= width {
        return;
    }
    let row = ids[id.y] - shape.first;
    // A table that is split over buffers is asked once for each: other parts' rows are not ours.
    if row < shape.n_out {
        let base = base_of(row);
        let scale = scales(base, id.x / 8u);
        outputs[id.y * width + id.x] = weights4(base, id.x / 8u, id.x & 7u, scale);
    }
}
