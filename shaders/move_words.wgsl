// Copies `n` words within one buffer to a place that does not overlap theirs: what a copy command
// may not do.
struct Shape {
    source: u32,
    place: u32,
    n: u32,
}

var<immediate> shape: Shape;

@group(0) @binding(0) var<storage, read_write> values: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x < shape.n {
        values[shape.place + id.x] = values[shape.source + id.x];
    }
}
