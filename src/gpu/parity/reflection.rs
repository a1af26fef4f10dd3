//! The kernels' WGSL as naga reads it, beside what the host says of it.

use crate::gpu::Format;
use crate::gpu::decide::{CachePrecision, MatmulTile, NormTile, RegisterTile, WorkgroupTile};
use crate::gpu::kernel::{Kernel, attention_lanes};
use crate::gpu::shape::{self, Change, Field, Found, Item, Parts, State};
use naga::{AddressSpace, Module, ScalarKind, StorageAccess, TypeInner, valid};

/// A buffer as a kernel declares it.
pub struct Binding {
    pub name: String,
    pub is_written: bool,
    /// What its elements are made of: name (empty, if they are no structs) and kind of each word.
    pub fields: Vec<(String, String)>,
}

/// What a kernel's WGSL says.
pub struct Reflection {
    /// Name and kind of each word of its shape.
    pub shape: Vec<(String, String)>,
    /// Its buffers, by their numbers.
    pub bindings: Vec<Binding>,
    /// Threads of a workgroup.
    pub n_threads: u32,
    /// Bytes of workgroup memory.
    pub n_shared_bytes: u32,
}

/// Reads and validates a kernel.
pub fn reflect(kernel: Kernel) -> Reflection {
    let source = kernel.source();
    let module = naga::front::wgsl::parse_str(&source)
        .unwrap_or_else(|error| panic!("{kernel:?}: {}", error.emit_to_string(&source)));
    let capabilities = capabilities(kernel);
    let mut validator = valid::Validator::new(valid::ValidationFlags::all(), capabilities);
    validator.validate(&module).unwrap_or_else(|error| panic!("{kernel:?}: {error:?}"));
    let (mut shape, mut bindings, mut n_shared_bytes) = (Vec::new(), Vec::new(), 0);
    for (_, variable) in module.global_variables.iter() {
        match variable.space {
            AddressSpace::Immediate => shape = fields(&module, &module.types[variable.ty].inner),
            AddressSpace::WorkGroup => {
                n_shared_bytes += module.types[variable.ty].inner.size(module.to_ctx());
            }
            AddressSpace::Storage { access } => {
                let place = variable.binding.as_ref().unwrap();
                assert_eq!(place.group, 0, "{kernel:?}");
                let TypeInner::Array { base, .. } = module.types[variable.ty].inner else {
                    panic!("{kernel:?}: a binding is no array");
                };
                let name = variable.name.clone().unwrap();
                let is_written = access.contains(StorageAccess::STORE);
                let mut fields = fields(&module, &module.types[base].inner);
                if name.starts_with("cached") && holds_halves(kernel) {
                    fields[0].1 = "f16".into();
                }
                bindings.push((place.binding, Binding { name, is_written, fields }));
            }
            _ => {}
        }
    }
    bindings.sort_by_key(|(number, _)| *number);
    let numbers = bindings.iter().map(|(number, _)| *number);
    assert!(numbers.eq(0..bindings.len() as u32), "{kernel:?}: its bindings have gaps");
    Reflection {
        shape,
        bindings: bindings.into_iter().map(|(_, binding)| binding).collect(),
        n_threads: module.entry_points[0].workgroup_size.iter().product(),
        n_shared_bytes,
    }
}

/// Whether the words of the cache are two half-precision numbers each, of which WGSL knows nothing.
fn holds_halves(kernel: Kernel) -> bool {
    matches!(
        kernel,
        Kernel::Rope { cache: CachePrecision::F16, .. }
            | Kernel::Attention { cache: CachePrecision::F16, .. }
    )
}

/// What a kernel may use: what all adapters have, and what its variant was chosen for.
fn capabilities(kernel: Kernel) -> valid::Capabilities {
    use valid::Capabilities;
    let subgroup = match kernel {
        Kernel::Matmul(_, MatmulTile::Registers(tile)) => tile.subgroup,
        Kernel::RmsNorm(tile) => tile.subgroup,
        _ => 1,
    };
    let is_half = matches!(kernel, Kernel::Matmul(_, MatmulTile::Workgroup(tile)) if tile.is_half);
    let mut all = Capabilities::IMMEDIATES | Capabilities::SHADER_FLOAT16_IN_FLOAT32;
    all.set(Capabilities::SUBGROUP, subgroup > 1);
    all.set(Capabilities::SHADER_FLOAT16, is_half);
    all
}

/// The words of a type in order; those of a struct must follow one another without gaps.
fn fields(module: &Module, inner: &TypeInner) -> Vec<(String, String)> {
    let TypeInner::Struct { members, span } = inner else {
        return vec![(String::new(), kind(inner))];
    };
    assert_eq!(*span as usize, 4 * members.len(), "a field is not one word");
    let field = |(ix, member): (usize, &naga::StructMember)| {
        let name = member.name.clone().unwrap();
        assert_eq!(member.offset as usize, 4 * ix, "the field {name} stands elsewhere");
        (name, kind(&module.types[member.ty].inner))
    };
    members.iter().enumerate().map(field).collect()
}

/// `u32` or `f32`, of a number or a vector of them.
fn kind(inner: &TypeInner) -> String {
    let scalar = inner.scalar().unwrap();
    assert_eq!(scalar.width, 4);
    match scalar.kind {
        ScalarKind::Uint => "u32".into(),
        ScalarKind::Float => "f32".into(),
        other => panic!("the host has no {other:?}"),
    }
}

/// Every variant that some adapter might take.
pub fn variants() -> Vec<Kernel> {
    let mut all = vec![
        Kernel::HeadNorm,
        Kernel::AttentionMerge,
        Kernel::Gated,
        Kernel::LogSums,
        Kernel::Pick,
        Kernel::Adjust,
        Kernel::Top { n: 64, lanes: 64 },
        Kernel::Top { n: 64, lanes: 256 },
        Kernel::GatherRows,
        Kernel::MoveWords,
    ];
    for (slices, subgroup) in [(1, 1), (128, 1), (128, 8), (128, 32), (128, 128)] {
        all.push(Kernel::RmsNorm(NormTile { slices, subgroup }));
    }
    for cache in [CachePrecision::F32, CachePrecision::F16] {
        all.extend([false, true].map(|halves| Kernel::Rope { halves, cache }));
    }
    for format in Format::ALL {
        all.push(Kernel::Embedding(format));
        for (row_quads, is_half) in [(1, false), (2, false), (1, true), (2, true)] {
            let tile = MatmulTile::Workgroup(WorkgroupTile { row_quads, is_half });
            all.push(Kernel::Matmul(format, tile));
        }
        for lanes in [4, 8, 16] {
            for slices in [1, 2, 4, 8, 16].into_iter().filter(|slices| lanes * slices <= 128) {
                for (tokens, quads) in [(1, 8), (2, 8), (4, 1), (8, 1)] {
                    for subgroup in [1, 32, 64].into_iter().filter(|s| lanes * slices % s == 0) {
                        let tile = RegisterTile { lanes, slices, tokens, quads, subgroup };
                        all.push(Kernel::Matmul(format, MatmulTile::Registers(tile)));
                    }
                }
            }
        }
    }
    for group in [1, 3, 7, 16] {
        for quads in [4, 16, 20, 32] {
            for is_split in [false, true] {
                let lanes = attention_lanes(group, is_split);
                for cache in [CachePrecision::F32, CachePrecision::F16] {
                    all.push(Kernel::Attention { group, quads, is_split, lanes, cache });
                }
            }
        }
    }
    all
}

/// A buffer as the host knows it: its name, and the struct that lies in it.
type HostBinding = (&'static str, Option<&'static [Field]>);

/// What the host gives a kernel: the fields of its shape, and its buffers in order.
fn of_host(kernel: Kernel) -> (&'static [Field], Vec<HostBinding>) {
    let plain = |names: &[&'static str]| names.iter().map(|name| (*name, None)).collect::<Vec<_>>();
    match kernel {
        Kernel::Embedding(_) => (shape::Embedding::FIELDS, plain(&["weights", "ids", "outputs"])),
        Kernel::Matmul(..) => {
            (shape::Matmul::FIELDS, plain(&["weights", "bias", "inputs", "outputs"]))
        }
        Kernel::RmsNorm(_) => (shape::RmsNorm::FIELDS, plain(&["weights", "inputs", "outputs"])),
        Kernel::HeadNorm => (shape::HeadNorm::FIELDS, plain(&["weights", "values"])),
        Kernel::Rope { .. } => {
            let names = ["angles", "slots", "values", "cached_keys", "cached_values"];
            (shape::Rope::FIELDS, plain(&names))
        }
        Kernel::Attention { .. } => {
            let names = ["pages", "queries", "cached_keys", "cached_values", "outputs"];
            let bindings = [vec![("items", Some(Item::FIELDS))], plain(&names)].concat();
            (shape::Attention::FIELDS, bindings)
        }
        Kernel::AttentionMerge => {
            let bindings =
                [vec![("rows", Some(Parts::FIELDS))], plain(&["inputs", "outputs"])].concat();
            (shape::AttentionMerge::FIELDS, bindings)
        }
        Kernel::Gated => (shape::Gated::FIELDS, plain(&["inputs", "outputs"])),
        Kernel::LogSums => {
            (shape::LogSums::FIELDS, vec![("logits", None), ("states", Some(State::FIELDS))])
        }
        Kernel::Pick => (shape::Pick::FIELDS, plain(&["logits", "targets", "outputs"])),
        Kernel::Adjust => {
            (shape::Adjust::FIELDS, vec![("changes", Some(Change::FIELDS)), ("logits", None)])
        }
        Kernel::Top { .. } => {
            let outputs = [("outputs", Some(Found::FIELDS))];
            let bindings = [&plain(&["logits", "inverses"])[..], &outputs].concat();
            (shape::Top::FIELDS, bindings)
        }
        Kernel::GatherRows => (shape::GatherRows::FIELDS, plain(&["rows", "inputs", "outputs"])),
        Kernel::MoveWords => (shape::MoveWords::FIELDS, plain(&["values"])),
    }
}

#[test]
fn gpu_every_variant_is_valid_and_its_bindings_and_fields_are_as_the_host_says() {
    let same = |read: &[(String, String)], said: &[Field]| {
        read.iter().map(|(name, kind)| (name.as_str(), kind.as_str())).eq(said.iter().copied())
    };
    for kernel in variants() {
        let read = reflect(kernel);
        let (shape, bindings) = of_host(kernel);
        assert!(same(&read.shape, shape), "{kernel:?}: {:?} is not {shape:?}", read.shape);
        let names: Vec<&str> = bindings.iter().map(|(name, _)| *name).collect();
        let read_names: Vec<&str> = read.bindings.iter().map(|b| b.name.as_str()).collect();
        assert_eq!(read_names, names, "{kernel:?}");
        for (binding, (name, fields)) in read.bindings.iter().zip(bindings) {
            match fields {
                Some(fields) => assert!(same(&binding.fields, fields), "{kernel:?}: {name}"),
                None => assert_eq!(binding.fields[0].0, "", "{kernel:?}: {name} holds structs"),
            }
        }
        assert!(read.bindings.iter().any(|b| b.is_written), "{kernel:?} writes nothing");
        assert!(read.n_threads <= 256, "{kernel:?} has {} threads", read.n_threads);
        assert!(read.n_shared_bytes <= 16384, "{kernel:?} takes {} bytes", read.n_shared_bytes);
        if let Kernel::Matmul(_, tile) = kernel {
            let said = (tile.threads(), tile.shared_bytes());
            assert_eq!((read.n_threads, read.n_shared_bytes), said, "{kernel:?}");
        }
    }
}

#[test]
fn gpu_words_become_the_same_struct_again() {
    let item = Item {
        first_row: 1,
        n_rows: 2,
        table: 3,
        position: 4,
        from_key: 5,
        to_key: 6,
        part: 7,
        spare: 8,
    };
    assert_eq!(item.words(), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(Item::from_words([1, 2, 3, 4, 5, 6, 7, 8]), item);
    let norm = shape::RmsNorm { width: 3, epsilon: 0.5 };
    assert_eq!(norm.words(), [3, 0.5_f32.to_bits()]);
    assert_eq!(shape::RmsNorm::from_words([3, 0.5_f32.to_bits()]), norm);
}
