// The threads of a workgroup of LANES times SLICES, where the SLICES threads of a lane share a sum:
// those in one subgroup of SUBGROUP threads add up among themselves, and PARTS sums are left to go
// through workgroup memory. Threads are counted as the subgroups count them, as nothing else says
// which of them lie in one. Each pair adds the same two numbers, so that all come to the same bits.
const PARTS: u32 = LANES * SLICES / SUBGROUP;
const THREADS_X: u32 = LANES * SLICES;
const THREADS_Y: u32 = 1u;

struct Place {
    @builtin(subgroup_id) subgroup: u32,
    @builtin(subgroup_invocation_id) thread: u32,
}

fn lane_of(place: Place) -> u32 {
    return place.thread % LANES;
}

fn slice_of(place: Place) -> u32 {
    return (place.subgroup * SUBGROUP + place.thread) / LANES;
}

// Which of the PARTS the thread puts into workgroup memory; none if it is PARTS or more.
fn part_of(place: Place) -> u32 {
    return select(PARTS, place.subgroup, place.thread < LANES);
}

fn add_up(sum: f32) -> f32 {
    var all = sum;
    for (var step = LANES; step < SUBGROUP; step *= 2u) {
        all += subgroupShuffleXor(all, step);
    }
    return all;
}

fn add_up4(sum: vec4f) -> vec4f {
    var all = sum;
    for (var step = LANES; step < SUBGROUP; step *= 2u) {
        all += subgroupShuffleXor(all, step);
    }
    return all;
}
