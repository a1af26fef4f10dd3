//! What the host and the kernels tell one another in words: the `Shape` of each kernel, and the
//! structs that lie in its buffers.
//!
//! Each struct here stands field by field for one of `shaders/*.wgsl`; the reflection in `parity`
//! holds them together.

/// A field's name and its kind, `u32` or `f32`.
pub type Field = (&'static str, &'static str);

/// A number that is one word.
trait Word {
    fn to_word(self) -> u32;
    fn from_word(word: u32) -> Self;
}

impl Word for u32 {
    fn to_word(self) -> u32 {
        self
    }

    fn from_word(word: u32) -> Self {
        word
    }
}

impl Word for f32 {
    fn to_word(self) -> u32 {
        self.to_bits()
    }

    fn from_word(word: u32) -> Self {
        Self::from_bits(word)
    }
}

macro_rules! words {
    ($(
        $(#[$about:meta])*
        $name:ident { $($(#[$field_about:meta])* $field:ident: $kind:ident,)* }
    )*) => {$(
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub struct $name {
            $($(#[$field_about])* pub $field: $kind,)*
        }

        impl $name {
            /// Its fields in order, a word each.
            pub const FIELDS: &'static [Field] = &[$((stringify!($field), stringify!($kind)),)*];
            /// How many words it is.
            pub const N_WORDS: usize = Self::FIELDS.len();

            /// Its words in order.
            pub fn words(self) -> Vec<u32> {
                vec![$(self.$field.to_word(),)*]
            }

            /// What these words say: one for each field.
            pub fn from_words(words: [u32; Self::N_WORDS]) -> Self {
                let [$($field,)*] = words;
                Self { $($field: Word::from_word($field),)* }
            }
        }
    )*};
}

words! {
    /// The shape of `embedding.wgsl`.
    Embedding {
        /// The first of the embedding's rows that the weights hold.
        first: u32,
        /// Values of a row.
        n_in: u32,
        /// Rows that the weights hold.
        n_out: u32,
        /// Words of a row of the weights.
        words: u32,
    }

    /// The shape of `matmul.wgsl`.
    Matmul {
        /// Rows of inputs.
        n_rows: u32,
        /// Values of a row of inputs.
        n_in: u32,
        /// Rows of the weights.
        n_out: u32,
        /// Values of a row of outputs.
        stride: u32,
        /// The column of the first output.
        first: u32,
        /// 1: the bias at the output's column is added.
        has_bias: u32,
        /// 1: the products are added to what is there.
        adds: u32,
        /// Words of a row of the weights.
        words: u32,
        /// The first workgroup in y; [`super::Dispatch`] says why.
        first_group: u32,
    }

    /// The shape of `rms_norm.wgsl`.
    RmsNorm {
        /// Values of a row.
        width: u32,
        /// What is added to the mean square.
        epsilon: f32,
    }

    /// The shape of `head_norm.wgsl`.
    HeadNorm {
        /// Rows.
        n_rows: u32,
        /// Values of a row.
        stride: u32,
        /// The column of the first head.
        first: u32,
        /// Heads.
        n_heads: u32,
        /// Values of a head.
        size: u32,
        /// What is added to the mean square.
        epsilon: f32,
    }

    /// The shape of `rope.wgsl`.
    Rope {
        /// Query heads.
        n_heads: u32,
        /// Key heads, and value heads.
        n_kv_heads: u32,
        /// Values of a head.
        size: u32,
    }

    /// The shape of `attention.wgsl`.
    Attention {
        /// Query heads.
        n_heads: u32,
        /// Key heads.
        n_kv_heads: u32,
        /// Values of a row of queries.
        stride: u32,
        /// What queries are multiplied by.
        scale: f32,
        /// The first workgroup in y; [`super::Dispatch`] says why.
        first_group: u32,
    }

    /// The shape of `attention_merge.wgsl`.
    AttentionMerge {
        /// Query heads.
        n_heads: u32,
        /// Vectors of four values a head.
        quads: u32,
    }

    /// The shape of `gated.wgsl`.
    Gated {
        /// Values of a row of outputs.
        width: u32,
    }

    /// The shape of `log_sums.wgsl`.
    LogSums {
        /// Columns of the tile of logits.
        width: u32,
        /// The vocabulary entry of its first column.
        first: u32,
    }

    /// The shape of `pick.wgsl`.
    Pick {
        /// Columns of the tile of logits.
        width: u32,
        /// The vocabulary entry of its first column.
        first: u32,
        /// Logits that are asked for.
        n: u32,
    }

    /// The shape of `adjust.wgsl`.
    Adjust {
        /// Columns of the logits.
        width: u32,
        /// Changes.
        n: u32,
    }

    /// The shape of `top.wgsl`.
    Top {
        /// Columns of the logits.
        width: u32,
    }

    /// The shape of `gather_rows.wgsl`.
    GatherRows {
        /// Values of a row.
        width: u32,
    }

    /// The shape of `move_words.wgsl`.
    MoveWords {
        /// The first word that is copied.
        source: u32,
        /// Where it goes.
        place: u32,
        /// Words.
        n: u32,
    }

    /// A work item of `attention.wgsl`: rows of one sequence, and a range of its keys.
    Item {
        /// The first of its rows.
        first_row: u32,
        /// Rows.
        n_rows: u32,
        /// Where the sequence's page numbers begin.
        table: u32,
        /// Place of the first row in its sequence.
        position: u32,
        /// The first key.
        from_key: u32,
        /// The key after the last.
        to_key: u32,
        /// Which of the partial results this is, where attention is split.
        part: u32,
        /// Nothing.
        spare: u32,
    }

    /// The parts of one row of split attention, for `attention_merge.wgsl`.
    Parts {
        /// The first.
        first: u32,
        /// How many.
        n: u32,
    }

    /// A change of a logit by `adjust.wgsl`.
    Change {
        /// Row.
        row: u32,
        /// Vocabulary entry.
        entry: u32,
        /// What a positive logit is divided by and a negative one multiplied; 0 if the entry may
        /// never be taken.
        factor: f32,
        /// Nothing.
        spare: u32,
    }

    /// One of the largest logits as `top.wgsl` finds them, or a part of the sum behind them.
    Found {
        /// Vocabulary entry; all bits set where there is none.
        entry: u32,
        /// Its logit, or the part of the sum.
        value: f32,
    }

    /// What `log_sums.wgsl` folds logits into.
    State {
        /// The largest logit.
        largest: f32,
        /// Exponentials of the logits less the largest, added up.
        sum: f32,
        /// The vocabulary entry of the largest.
        entry: u32,
        /// Nothing.
        spare: u32,
    }
}
