// Rows of `[T, width]` divided by their root mean square and weighed: one workgroup a row. LANES
// threads share a row; one thread alone needs no barrier.
struct Shape {
    width: u32,
    epsilon: f32,
}

var<immediate> shape: Shape;

@group(0) @binding(0) var<storage, read> weights: array<f32>;
@group(0) @binding(1) var<storage, read> inputs: array<f32>;
@group(0) @binding(2) var<storage, read_write> outputs: array<f32>;

var<workgroup> partial: array<f32, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let start = group.x * shape.width;
    var sum = 0.0;
    for (var ix = lane; ix < shape.width; ix += LANES) {
        let x = inputs[start + ix];
        sum = fma(x, x, sum);
    }
    partial[lane] = sum;
    for (var half = LANES / 2u; half > 0u; half = half / 2u) {
        workgroupBarrier();
        if lane < half {
            partial[lane] += partial[lane + half];
        }
    }
    workgroupBarrier();
    let factor = 1.0 / sqrt(partial[0] / f32(shape.width) + shape.epsilon);
    for (var ix = lane; ix < shape.width; ix += LANES) {
        outputs[start + ix] = inputs[start + ix] * factor * weights[ix];
    }
}
