// Folds a tile of logits `[T, width]`, of which the first column is vocabulary entry `first`, into
// the states of PARTS threads a row: largest logit, sum of exponentials under it, and the entry that
// the largest belongs to. The rows' PARTS states are added up in order by the caller, so that logits
// of the whole vocabulary are never held.
struct Shape {
    width: u32,
    first: u32,
}

var<immediate> shape: Shape;

struct State {
    largest: f32,
    sum: f32,
    entry: u32,
    spare: u32,
}

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read_write> states: array<State>;

@compute @workgroup_size(PARTS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    var state = State(-3.0e38, 0.0, 0u, 0u);
    if shape.first > 0u {
        state = states[group.x * PARTS + lane];
    }
    for (var ix = lane; ix < shape.width; ix += PARTS) {
        let logit = logits[group.x * shape.width + ix];
        let top = max(state.largest, logit);
        state.sum = state.sum * exp(state.largest - top) + exp(logit - top);
        if logit > state.largest {
            state.entry = shape.first + ix;
        }
        state.largest = top;
    }
    states[group.x * PARTS + lane] = state;
}
