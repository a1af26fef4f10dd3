// Rows of `[T, width]` divided by their root mean square and weighed: one workgroup a row. SLICES
// threads share a row; one thread alone needs no barrier.
struct Shape {
    width: u32,
    epsilon: f32,
}

var<immediate> shape: Shape;

@group(0) @binding(0) var<storage, read> weights: array<f32>;
@group(0) @binding(1) var<storage, read> inputs: array<f32>;
@group(0) @binding(2) var<storage, read_write> outputs: array<f32>;

var<workgroup> partial: array<f32, PARTS>;

@compute @workgroup_size(THREADS_X, THREADS_Y)
fn main(@builtin(workgroup_id) group: vec3u, place: Place) {
    let start = group.x * shape.width;
    let slice = slice_of(place);
    var sum = 0.0;
    for (var ix = slice; ix < shape.width; ix += SLICES) {
        let x = inputs[start + ix];
        sum = fma(x, x, sum);
    }
    sum = add_up(sum);
    if PARTS > 1u {
        let part = part_of(place);
        if part < PARTS {
            partial[part] = sum;
        }
        for (var half = PARTS / 2u; half > 0u; half = half / 2u) {
            workgroupBarrier();
            if part < half {
                partial[part] += partial[part + half];
            }
        }
        workgroupBarrier();
        sum = partial[0];
    }
    let factor = 1.0 / sqrt(sum / f32(shape.width) + shape.epsilon);
    for (var ix = slice; ix < shape.width; ix += SLICES) {
        outputs[start + ix] = inputs[start + ix] * factor * weights[ix];
    }
}
