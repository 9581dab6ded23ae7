//! The customer's identifiers as the run has published them: which customer an identifier is of, how each came to it, and
//! which were refused. Finds the path between two; judges which rows are the customer's.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::explanation::{Identifier, Identity, RefusedIdentifier};
use super::{FinishedRun, wrong};
use crate::error::{Error, Result};
use crate::identity::{Kinds, ListFile, MOST_CUSTOMERS};
use crate::input::LinkedRow;
use crate::output::identities::{IDENTITIES, REFUSED};
use crate::spec::identity::Linked;
use crate::spec::{Source, identity};

/// What decides which rows are the customer's.
pub(super) struct Members {
    kinds: Kinds,
    /// The customer's identifiers, and whether each was merged into another.
    ids: HashMap<(usize, String), bool>,
    /// Identifiers in rows of too many customers.
    shared: HashSet<(usize, String)>,
    /// What is listed to be erased.
    erased: HashSet<(usize, String)>,
    /// The tree, for the explanation.
    pub told: Identity,
    /// Other identifiers that were refused, which may be in its rows.
    refused: HashMap<(usize, String), RefusedIdentifier>,
    /// What is in its rows.
    seen: Mutex<HashSet<(usize, String)>>,
}

/// Which customer an identifier is of: `kind:value`, or a value that only one kind has. None if no customer has it.
pub(super) fn customer_of(run: &FinishedRun<'_>, output: &Path, asked: &str) -> Result<Option<String>> {
    let Some(spec) = &run.spec.identity else { return Ok(None) };
    let kinds = kinds(run, spec)?;
    let wanted = forms(spec, &kinds, asked);
    let mut found: Vec<(String, String)> = Vec::new();
    each_row(output, IDENTITIES, &mut |row| {
        if wanted.iter().any(|(kind, value)| row.text(1) == *kind && row.text(2) == *value) {
            found.push((row.text(1).to_owned(), row.text(0).to_owned()));
        }
    })?;
    let kinds: HashSet<&String> = found.iter().map(|(kind, _)| kind).collect();
    if kinds.len() > 1 {
        let mut kinds: Vec<String> = kinds.into_iter().map(|kind| format!("`{kind}:{asked}`")).collect();
        kinds.sort_unstable();
        return Err(Error::Usage(format!("`{asked}` is an identifier of several kinds: say {}", kinds.join(" or "))));
    }
    Ok(found.pop().map(|(_, customer)| customer))
}

/// Why no customer has an identifier; none if that cannot be found.
pub(super) fn why_nobody(run: &FinishedRun<'_>, output: &Path, asked: &str) -> Option<String> {
    let spec = run.spec.identity.as_ref()?;
    let wanted = forms(spec, &kinds(run, spec).ok()?, asked);
    let mut refused = None;
    let see = &mut |row: &Row<'_>| {
        let is_it = wanted.iter().any(|(kind, value)| row.text(0) == *kind && row.text(1) == *value);
        if is_it || row.text(1) == asked {
            refused.get_or_insert_with(|| row.refused());
        }
    };
    each_row(output, REFUSED, see).ok()?;
    Some(match refused {
        Some(RefusedIdentifier { kind, reason, file, line, .. }) => {
            format!("; as {kind} it is refused: {reason}, first in {file} line {line}")
        }
        None => "; rows with it, if there are any, were excluded, merged away, deleted or erased".to_owned(),
    })
}

/// The identifiers that a text may mean, kind and value: with its kind before `:`, else of any kind.
fn forms(spec: &identity::Identity, kinds: &Kinds, asked: &str) -> Vec<(String, String)> {
    let form = |at: usize, text: &str| {
        let value = kinds.read(at, text).filter(|value| !value.is_empty())?.into_owned();
        Some((spec.kinds[at].name.clone(), value))
    };
    let named = asked.split_once(':').and_then(|(kind, value)| {
        let at = spec.kinds.iter().position(|known| known.name == kind)?;
        form(at, value)
    });
    match named {
        Some(named) => vec![named],
        None => (0..spec.kinds.len()).filter_map(|at| form(at, asked)).collect(),
    }
}

fn kinds(run: &FinishedRun<'_>, spec: &identity::Identity) -> Result<Kinds> {
    Ok(Kinds::new(spec, &ListFile::blocked(&lists(run, spec)?, spec.kinds.len())?))
}

/// The lists of the run; fails if one has changed since.
fn lists(run: &FinishedRun<'_>, spec: &identity::Identity) -> Result<Vec<ListFile>> {
    let erase = run.manifest.options.erase.as_ref().map(Path::new);
    let lists = ListFile::read_all(spec, &run.inputs.folder, erase)?;
    let known = |list: &&ListFile| {
        run.manifest.spec_files.iter().any(|known| known.file == list.name && known.sha256 == list.sha256)
    };
    match lists.iter().find(|list| !known(list)) {
        Some(changed) => Err(wrong(format!("`{}` has changed since the run read it", changed.name))),
        None => Ok(lists),
    }
}

/// The customer's identifiers; none if the run's customers have ids of their own.
pub(super) fn members(run: &FinishedRun<'_>, output: &Path, customer: &str) -> Result<Option<Members>> {
    let Some(spec) = &run.spec.identity else { return Ok(None) };
    let lists = lists(run, spec)?;
    let kinds = Kinds::new(spec, &ListFile::blocked(&lists, spec.kinds.len())?);
    let at = |name: &str| spec.kinds.iter().position(|kind| kind.name == name);
    let listed = lists.iter().flat_map(ListFile::erase_lines);
    let erased = listed.filter_map(|(kind, value)| {
        let at = at(&kind)?;
        Some((at, kinds.read(at, &value)?.into_owned()))
    });
    let erased = erased.collect();
    let mut members = Members {
        kinds,
        ids: HashMap::new(),
        shared: HashSet::new(),
        erased,
        told: Identity { identifiers: Vec::new(), refused: Vec::new(), path: None },
        refused: HashMap::new(),
        seen: Mutex::default(),
    };
    each_row(output, IDENTITIES, &mut |row| {
        if row.text(0) == customer
            && let Some(kind) = at(row.text(1))
        {
            let merged = row.text(3) == "merged";
            members.ids.insert((kind, row.text(2).to_owned()), merged);
            members.told.identifiers.push(row.identifier());
        }
    })?;
    each_row(output, REFUSED, &mut |row| {
        if row.text(2) == "shared"
            && let Some(kind) = at(row.text(0))
        {
            members.shared.insert((kind, row.text(1).to_owned()));
        }
        if row.text(4).split(';').any(|named| named == customer) {
            members.told.refused.push(row.refused());
        } else if let Some(kind) = at(row.text(0)) {
            members.refused.insert((kind, row.text(1).to_owned()), row.refused());
        }
    })?;
    Ok(Some(members))
}

impl Members {
    /// Whether a row is used for the customer's profile, by the rules of docs/identity.md.
    pub fn has(&self, source: &Source, row: &LinkedRow<'_>) -> bool {
        let Some(links) = &source.links else { return false };
        let key = links.key.as_ref().and_then(|key| self.cells(key, row).into_iter().next());
        let ids: Vec<Option<(usize, String)>> = links.ids.iter().flat_map(|id| self.cells(id, row)).collect();
        let others = links.merged_into.iter().chain(&links.merged_from).flat_map(|linked| self.cells(linked, row));
        let all = key.iter().chain(&ids).flatten().cloned().chain(others.flatten());
        if all.into_iter().any(|id| self.erased.contains(&id)) {
            return false;
        }
        let is_sound = |id: &(usize, String)| !self.kinds.blocks(id.0, &id.1);
        let was_merged = |id: &(usize, String)| is_sound(id) && self.ids.get(id) == Some(&true);
        if links.tells_merges() && key.iter().flatten().any(was_merged) {
            return false;
        }
        let is_deleted = links.deleted.as_ref().is_some_and(|deleted| row.is_deleted(deleted));
        let mut usable = key.iter().chain(&ids).flatten().filter(|id| is_sound(id) && !self.shared.contains(*id));
        let has = !is_deleted && usable.next().is_some_and(|anchor| self.ids.contains_key(anchor));
        if has {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.extend(key.into_iter().chain(ids).flatten());
        }
        has
    }

    /// What there is to tell, once all rows of the customer were looked at. `refused` names at most twenty customers, and this
    /// one may be another.
    pub fn told(&mut self) -> &mut Identity {
        let seen = std::mem::take(self.seen.get_mut().unwrap_or_else(PoisonError::into_inner));
        let mut more: Vec<RefusedIdentifier> = seen.iter().filter_map(|id| self.refused.remove(id)).collect();
        more.sort_unstable_by(|a, b| (&a.kind, &a.value).cmp(&(&b.kind, &b.value)));
        self.told.refused.extend(more);
        &mut self.told
    }

    /// The identifiers of a cell; none for a text that is not of the kind.
    fn cells(&self, linked: &Linked, row: &LinkedRow<'_>) -> Vec<Option<(usize, String)>> {
        let read = |text: &str| self.kinds.read(linked.kind, text).map(|value| (linked.kind, value.into_owned()));
        row.texts(linked).map(read).filter(|id| id.as_ref().is_none_or(|(_, value)| !value.is_empty())).collect()
    }

    /// For each kind the survivors, least first, joined by `;`.
    pub fn ids_by_kind(&self, kinds: usize) -> Vec<Option<String>> {
        let of_kind = |kind: usize| {
            let survivors = self.ids.iter().filter(|((of, _), merged)| *of == kind && !**merged);
            let mut survivors: Vec<(usize, &str)> = survivors.map(|((_, id), _)| (id.len(), id.as_str())).collect();
            survivors.sort_unstable();
            let texts: Vec<&str> = survivors.into_iter().map(|(_, text)| text).collect();
            (!texts.is_empty()).then(|| texts.join(";"))
        };
        (0..kinds).map(of_kind).collect()
    }
}

/// How two identifiers came together: the way from the root to the other, or what was refused between their customers.
pub(super) fn path(run: &FinishedRun<'_>, output: &Path, told: &mut Identity, customer: &str, to: &str) -> Result<()> {
    let Some(spec) = &run.spec.identity else {
        return Err(Error::Usage("--path-to needs a profile with `[identity]`".into()));
    };
    let wanted = forms(spec, &kinds(run, spec)?, to);
    let is_it = |id: &Identifier| wanted.iter().any(|(kind, value)| id.kind == *kind && id.value == *value);
    if let Some(end) = told.identifiers.iter().find(|id| is_it(id)) {
        let mut way = vec![end.clone()];
        while let Some(via) = way.last().and_then(|last| last.via.clone()) {
            let next = told.identifiers.iter().find(|id| format!("{}:{}", id.kind, id.value) == via);
            // A tree has no more steps than identifiers.
            match next.filter(|_| way.len() <= told.identifiers.len()) {
                Some(next) => way.push(next.clone()),
                None => break,
            }
        }
        way.reverse();
        told.path = Some(way);
        return Ok(());
    }
    let other = customer_of(run, output, to)?;
    let Some(other) = other else {
        return Err(Error::Usage(format!("no customer of the run has the identifier `{to}`")));
    };
    told.refused.retain(|refused| refused.customers.contains(&other) || refused.customers.len() == MOST_CUSTOMERS);
    if told.refused.is_empty() {
        return Err(Error::Usage(format!(
            "`{to}` is of `{other}`, and nothing that was refused links it with `{customer}`"
        )));
    }
    Ok(())
}

/// A row of one of the tables.
struct Row<'a> {
    texts: Vec<Option<&'a StringArray>>,
    batch: &'a RecordBatch,
    at: usize,
}

impl Row<'_> {
    fn text(&self, column: usize) -> &str {
        let texts = self.texts.get(column).copied().flatten().filter(|texts| !texts.is_null(self.at));
        texts.map_or("", |texts| texts.value(self.at))
    }

    fn number(&self, column: usize) -> u64 {
        let numbers = self.batch.column(column).as_primitive_opt::<Int64Type>();
        numbers.map_or(0, |numbers| numbers.value(self.at).unsigned_abs())
    }

    fn identifier(&self) -> Identifier {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Identifier {
            kind: self.text(1).to_owned(),
            value: self.text(2).to_owned(),
            state: self.text(3).to_owned(),
            rule: self.text(4).to_owned(),
            via: some(self.text(5)),
            source: some(self.text(6)),
            file: self.text(7).to_owned(),
            line: self.number(8),
        }
    }

    fn refused(&self) -> RefusedIdentifier {
        RefusedIdentifier {
            kind: self.text(0).to_owned(),
            value: self.text(1).to_owned(),
            reason: self.text(2).to_owned(),
            rows: self.number(3),
            customers: self.text(4).split(';').map(str::to_owned).collect(),
            file: self.text(6).to_owned(),
            line: self.number(7),
        }
    }
}

/// Calls `see` for each row of a table of the run.
fn each_row(output: &Path, name: &str, see: &mut dyn FnMut(&Row<'_>)) -> Result<()> {
    let path = output.join(format!("{name}.parquet"));
    let file = File::open(&path).map_err(|e| Error::reading(&path, e))?;
    let unreadable = |e: &dyn std::fmt::Display| wrong(format!("`{}` cannot be read: {e}", path.display()));
    let batches = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(|e| unreadable(&e))?;
    for batch in batches {
        let batch = batch.map_err(|e| unreadable(&e))?;
        let texts: Vec<_> = batch.columns().iter().map(|column| column.as_string_opt::<i32>()).collect();
        for at in 0..batch.num_rows() {
            see(&Row { texts: texts.clone(), batch: &batch, at });
        }
    }
    Ok(())
}
