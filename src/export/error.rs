//! What can go wrong with an export.

use crate::data::DataError;
use crate::job::Cancelled;
use crate::model::TokenizerError;
use crate::prompt::PackError;
use std::io;
use std::path::PathBuf;

/// What can go wrong while records are exported. Whatever stood under the name before still does.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The file could not be written.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The system refused to write; told with the file's name as [`DataError::Write`].
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The task's prompt failed.
    #[error("cannot export: the prompt of task `{task}` cannot be used: {source}")]
    Prompt {
        /// The task.
        task: String,
        /// What is wrong.
        source: PackError,
    },
    /// A text was refused by the tokenizer.
    #[error("cannot export: counting the tokens of record {id}: {source}")]
    Tokenizer {
        /// The record.
        id: String,
        /// What is wrong.
        source: TokenizerError,
    },
    /// Columns could not be written.
    #[error("cannot export as `parquet`: {reason}; export as `jsonl`")]
    Columns {
        /// What the writer says.
        reason: String,
    },
    /// A list of datasets that is not one.
    #[error("cannot add the export to {}: {reason}; repair or remove that file", path.display())]
    List {
        /// The list.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// There is nothing to write.
    #[error("cannot export to {}: there are no records; open a dataset or widen the choice", path.display())]
    NoRecords {
        /// The file that was asked for.
        path: PathBuf,
    },
    /// Nothing of what there is can stand in a training file.
    #[error(
        "cannot export as `{format}`: none of the {n_records} records has both an instruction \
         and an answer; make the missing part first, or export as `jsonl`"
    )]
    NoneUsable {
        /// The form that was asked for.
        format: &'static str,
        /// How many records there are.
        n_records: usize,
    },
    /// The name is a folder's.
    #[error("cannot export to {}: it is a folder; name a file in it", path.display())]
    Folder {
        /// What was asked for.
        path: PathBuf,
    },
    /// The folder is not there.
    #[error(
        "cannot export to {}: there is no folder {}; make it first or choose another",
        path.display(), folder.display()
    )]
    NoFolder {
        /// The file that was asked for.
        path: PathBuf,
        /// The folder that it would be in.
        folder: PathBuf,
    },
    /// Records of this very file are to be written; an export may hold less than it does.
    #[error(
        "cannot export to {}: the records were read from this file, and an export may hold less of \
         them; choose another name",
        path.display()
    )]
    OverSource {
        /// The file that was asked for.
        path: PathBuf,
    },
    /// A dataset's label that cannot be part of a file's name.
    #[error(
        "cannot export the arms of `{label}`: a label becomes a file's name, so use letters, digits, `-`, `_` \
         and `.`, begin with a letter or digit, use none twice, and do not call it `general`"
    )]
    Label {
        /// The label.
        label: String,
    },
    /// A study without something that every training needs.
    #[error("cannot export the arms: the study does not say {lacks}; add it to the spec")]
    Recipe {
        /// What is not there.
        lacks: &'static str,
    },
    /// The work was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}
