// The threads of a workgroup of LANES times SLICES, where the SLICES threads of a lane share a sum:
// all of them add through workgroup memory.
const PARTS: u32 = SLICES;
const THREADS_X: u32 = LANES;
const THREADS_Y: u32 = SLICES;

struct Place {
    @builtin(local_invocation_id) local: vec3u,
}

fn lane_of(place: Place) -> u32 {
    return place.local.x;
}

fn slice_of(place: Place) -> u32 {
    return place.local.y;
}

// Which of the PARTS the thread puts into workgroup memory; none if it is PARTS or more.
fn part_of(place: Place) -> u32 {
    return place.local.y;
}

fn add_up(sum: f32) -> f32 {
    return sum;
}

fn add_up4(sum: vec4f) -> vec4f {
    return sum;
}
