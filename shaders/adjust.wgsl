// Changes some logits of rows `[T, width]` before a token is chosen: with factor 0 the token is never
// taken; else a positive logit is divided by the factor and a negative one multiplied. A thread a
// change; no two change the same logit.
struct Shape {
    width: u32,
    n: u32,
}

var<immediate> shape: Shape;

struct Change {
    row: u32,
    entry: u32,
    factor: f32,
    spare: u32,
}

@group(0) @binding(0) var<storage, read> changes: array<Change>;
@group(0) @binding(1) var<storage, read_write> logits: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= shape.n {
        return;
    }
    let change = changes[id.x];
    let at = change.row * shape.width + change.entry;
    let logit = logits[at];
    if change.factor == 0.0 {
        logits[at] = -3.0e38;
    } else {
        logits[at] = select(logit * change.factor, logit / change.factor, logit > 0.0);
    }
}
