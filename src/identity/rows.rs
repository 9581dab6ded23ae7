//! The identifiers of all rows, by number, in the order of the input. Owns how little memory a row takes: two or three
//! bytes and four for each identifier.

use super::bytes::{put, take};

/// Where a block of rows is in the input: source, file of the source, block of the source's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BlockPlace {
    pub source: u32,
    pub file: u32,
    pub block: u32,
}

/// What a row says of who it is of.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// Its line, from 0 at the block's start.
    pub line: u64,
    /// Whether its source says that it is deleted.
    pub deleted: bool,
    pub key: Option<u32>,
    pub ids: &'a [u32],
    pub into: Option<u32>,
    pub from: &'a [u32],
}

impl<'a> Row<'a> {
    /// Its key, then its other identifiers: those that can join.
    pub fn own(&self) -> impl Iterator<Item = u32> + 'a {
        self.key.into_iter().chain(self.ids.iter().copied())
    }

    /// All identifiers in its cells.
    pub fn all(&self) -> impl Iterator<Item = u32> + 'a {
        self.own().chain(self.into).chain(self.from.iter().copied())
    }
}

const DELETED: u8 = 0x80;
const KEY: u8 = 0x40;
const INTO: u8 = 0x20;
const FROM: u8 = 0x10;
/// Ids in the first byte; so many or more follow it as a number.
const MANY: u8 = 0x0F;

/// The shape of a row: which identifiers it has, without the identifiers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Shape {
    /// Lines behind the row before it.
    pub lines: u64,
    pub deleted: bool,
    pub has_key: bool,
    pub ids: u64,
    pub has_into: bool,
    pub from: u64,
}

impl Shape {
    pub fn write(&self, into: &mut Vec<u8>) {
        let flag = |is: bool, flag: u8| if is { flag } else { 0 };
        let flags = flag(self.deleted, DELETED)
            | flag(self.has_key, KEY)
            | flag(self.has_into, INTO)
            | flag(self.from > 0, FROM);
        into.push(flags | self.ids.min(MANY.into()) as u8);
        put(self.lines, into);
        if self.ids >= MANY.into() {
            put(self.ids, into);
        }
        if self.from > 0 {
            put(self.from, into);
        }
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        let lines = take(bytes);
        let few = first & MANY;
        let ids = if few == MANY { take(bytes) } else { few.into() };
        let from = if first & FROM > 0 { take(bytes) } else { 0 };
        let is = |flag| first & flag > 0;
        Some(Self { lines, deleted: is(DELETED), has_key: is(KEY), ids, has_into: is(INTO), from })
    }
}

/// The rows of one reading thread.
#[derive(Debug, Default)]
pub struct ThreadShapes {
    pub shapes: Vec<u8>,
    /// Place of each block, and where its shapes and its identifiers end.
    pub ends: Vec<(BlockPlace, usize, usize)>,
}

/// All rows with the numbers of their identifiers.
#[derive(Debug)]
pub struct Rows {
    threads: Vec<(ThreadShapes, Vec<u32>)>,
    /// Place, thread, index among the thread's blocks; sorted.
    blocks: Vec<(BlockPlace, usize, usize)>,
}

/// The rows of one block.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    pub place: BlockPlace,
    shapes: &'a [u8],
    numbers: &'a [u32],
}

impl Rows {
    pub fn new(threads: Vec<(ThreadShapes, Vec<u32>)>) -> Self {
        let block = |(thread, (shapes, _)): (usize, &(ThreadShapes, Vec<u32>))| {
            shapes.ends.iter().enumerate().map(|(at, (place, ..))| (*place, thread, at)).collect::<Vec<_>>()
        };
        let mut blocks: Vec<_> = threads.iter().enumerate().flat_map(block).collect();
        blocks.sort_unstable();
        Self { threads, blocks }
    }

    /// The memory that they take, in bytes.
    pub fn bytes(&self) -> usize {
        self.threads.iter().map(|(shapes, numbers)| shapes.shapes.len() + numbers.len() * 4).sum()
    }

    /// The blocks, in the order of the input.
    pub fn blocks(&self) -> impl Iterator<Item = Block<'_>> {
        self.blocks.iter().map(|(place, thread, at)| self.at(*place, *thread, *at))
    }

    /// The block at a place; none if none of its rows was accepted.
    pub fn block(&self, place: BlockPlace) -> Option<Block<'_>> {
        let at = self.blocks.binary_search_by_key(&place, |(place, ..)| *place).ok()?;
        let (place, thread, at) = self.blocks[at];
        Some(self.at(place, thread, at))
    }

    fn at(&self, place: BlockPlace, thread: usize, at: usize) -> Block<'_> {
        let (ThreadShapes { shapes, ends }, numbers) = &self.threads[thread];
        let (shape_from, number_from) = at.checked_sub(1).map_or((0, 0), |before| (ends[before].1, ends[before].2));
        let (_, shape_to, number_to) = ends[at];
        Block { place, shapes: &shapes[shape_from..shape_to], numbers: &numbers[number_from..number_to] }
    }
}

impl<'a> Block<'a> {
    /// The rows, in order.
    pub fn rows(self) -> impl Iterator<Item = Row<'a>> {
        let Self { mut shapes, mut numbers, .. } = self;
        let mut line = 0;
        std::iter::from_fn(move || {
            let shape = Shape::read(&mut shapes)?;
            line += shape.lines;
            let mut next = |count: usize| {
                let (taken, rest) = numbers.split_at(count.min(numbers.len()));
                numbers = rest;
                taken
            };
            let key = next(usize::from(shape.has_key)).first().copied();
            let ids = next(shape.ids as usize);
            let into = next(usize::from(shape.has_into)).first().copied();
            let from = next(shape.from as usize);
            Some(Row { line, deleted: shape.deleted, key, ids, into, from })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_in_the_order_of_the_input() {
        let mut late = ThreadShapes::default();
        let place = |block| BlockPlace { source: 0, file: 0, block };
        Shape { lines: 3, has_key: true, ids: 20, has_into: true, from: 2, deleted: true }.write(&mut late.shapes);
        Shape { lines: 400, ..Shape::default() }.write(&mut late.shapes);
        late.ends.push((place(2), late.shapes.len(), 24));
        let mut first = ThreadShapes::default();
        Shape { ids: 1, ..Shape::default() }.write(&mut first.shapes);
        first.ends.push((place(1), first.shapes.len(), 1));
        let rows = Rows::new(vec![(late, (100..124).collect()), (first, vec![7])]);
        let all: Vec<(u32, u64, Vec<u32>)> = rows
            .blocks()
            .flat_map(|block| block.rows().map(move |row| (block.place.block, row.line, row.all().collect())))
            .collect();
        assert_eq!(all, [(1, 0, vec![7]), (2, 3, (100..124).collect()), (2, 403, vec![])]);
        let block = rows.block(place(2)).expect("a block");
        let row = block.rows().next().expect("a row");
        assert_eq!(
            (row.key, row.ids.len(), row.into, row.from, row.deleted),
            (Some(100), 20, Some(121), &[122, 123][..], true)
        );
        assert!(rows.block(place(3)).is_none());
    }
}
