// Adds up the parts of split attention, in order: `[rows, H, size]`. A thread takes four values.
struct Shape {
    n_heads: u32,
    // Vectors of four values a head.
    quads: u32,
}

struct Parts {
    first: u32,
    n: u32,
}

var<immediate> shape: Shape;

@group(0) @binding(0) var<storage, read> rows: array<Parts>;
@group(0) @binding(1) var<storage, read> inputs: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> outputs: array<vec4f>;

@compute @workgroup_size(16)
fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= shape.n_heads * shape.quads {
        return;
    }
    let head = id.x / shape.quads;
    let quad = id.x % shape.quads;
    let parts = rows[id.y];
    var largest = -3.0e38;
    var total = 0.0;
    var sum = vec4f();
    for (var part = parts.first; part < parts.first + parts.n; part++) {
        let at = (part * shape.n_heads + head) * (shape.quads + 1u);
        let ends = inputs[at + shape.quads];
        let top = max(largest, ends.x);
        let fade = exp(largest - top);
        let weight = exp(ends.x - top);
        largest = top;
        total = total * fade + ends.y * weight;
        sum = sum * fade + inputs[at + quad] * weight;
    }
    outputs[id.y * shape.n_heads * shape.quads + id.x] = sum / total;
}
