// What the kernels of matrix products share: inputs `[T, n_in]` times weights `[n_out, n_in]` into
// columns of `[T, stride]`, with an optional bias, optionally added to what is there.
struct Shape {
    n_rows: u32,
    n_in: u32,
    n_out: u32,
    stride: u32,
    first: u32,
    has_bias: u32,
    adds: u32,
    // Words of a row of the weights.
    words: u32,
    // The first workgroup in y.
    first_group: u32,
}

var<immediate> shape: Shape;

@group(0) @binding(0) var<storage, read> weights: array<u32>;
@group(0) @binding(1) var<storage, read> bias: array<f32>;
@group(0) @binding(2) var<storage, read> inputs: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> outputs: array<f32>;

// Writes the sums of the columns `column`, `column + LANES`, … of one row.
fn write(row: u32, column: u32, sums: vec4f) {
    for (var ix = 0u; ix < 4u; ix++) {
        let out = column + ix * LANES;
        if out < shape.n_out {
            let at = row * shape.stride + shape.first + out;
            var sum = sums[ix];
            if shape.has_bias != 0u {
                sum += bias[shape.first + out];
            }
            if shape.adds != 0u {
                sum += outputs[at];
            }
            outputs[at] = sum;
        }
    }
}
