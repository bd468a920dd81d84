//! Compares analyses with brute force on random graphs, and checks that their cost is linear on large ones.

use super::*;
use crate::entity::List;
use crate::ir::{
    Block, BlockCall, BlockCallRef, BlockData, InstData, JumpTableData, Opcode, Results, Stencil, types,
};

/// A function that consists of branches: block n branches to `graph[n]`.
fn function(graph: &[Vec<u32>]) -> Stencil {
    let mut stencil = Stencil::default();
    for (n, targets) in graph.iter().enumerate() {
        let calls: Vec<BlockCallRef> = targets
            .iter()
            .map(|&target| stencil.block_calls.push(BlockCall { block: Block(target), args: List(0) }))
            .collect();
        let mut inst = InstData::new(Opcode::Return, types::INVALID);
        match calls[..] {
            [] => {}
            [only] => {
                inst.opcode = Opcode::Jump;
                inst.a = only.0;
            }
            [one, two] => {
                inst.opcode = Opcode::Brif;
                (inst.b, inst.c) = (one.0, two.0);
            }
            [default, ..] => {
                inst.opcode = Opcode::BrTable;
                let table = JumpTableData { entries: calls[1..].to_vec(), default };
                inst.b = stencil.jump_tables.push(table).0;
            }
        }
        let inst = stencil.insts.push(inst);
        stencil.results.push(Results::NONE);
        let data = BlockData { start: inst.0, end: inst.0 + 1, defined: true, ..BlockData::default() };
        stencil.blocks.push(data);
        stencil.layout.push(Block(n as u32));
    }
    stencil
}

fn analyse(graph: &[Vec<u32>]) -> Analysis {
    let mut analysis = Analysis::default();
    analysis.compute(&function(graph));
    analysis.compute_loops();
    analysis
}

/// The blocks that are reachable from `from` without entering `without`.
fn reachable(graph: &[Vec<u32>], from: u32, without: Option<u32>) -> Vec<bool> {
    let mut seen = vec![false; graph.len()];
    let mut work = vec![from];
    while let Some(at) = work.pop() {
        if Some(at) != without && !std::mem::replace(&mut seen[at as usize], true) {
            work.extend(&graph[at as usize]);
        }
    }
    seen
}

/// A xorshift generator: the same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }

    fn graph(&mut self) -> Vec<Vec<u32>> {
        let count = 1 + self.below(14);
        (0..count).map(|_| (0..self.below(4)).map(|_| self.below(count) as u32).collect()).collect()
    }
}

#[test]
fn edges_agree_in_both_directions() {
    let graph = vec![vec![1, 2], vec![3], vec![3, 3, 1], vec![]];
    let analysis = analyse(&graph);
    assert_eq!(analysis.cfg.succs(Block(2)), [Block(3), Block(3), Block(1)]);
    assert_eq!(analysis.cfg.preds(Block(3)), [Block(1), Block(2), Block(2)]);
    assert_eq!(analysis.cfg.preds(Block(0)), []);
}

#[test]
fn dominators_are_those_of_the_definition() {
    let mut random = Random(0x1234_5678_9abc);
    for _ in 0..2000 {
        let graph = random.graph();
        let analysis = analyse(&graph);
        let live = reachable(&graph, 0, None);
        for a in 0..graph.len() as u32 {
            let without = reachable(&graph, 0, Some(a));
            for b in 0..graph.len() as u32 {
                let expected = live[a as usize] && live[b as usize] && !without[b as usize];
                let got = analysis.dominators.dominates(Block(a), Block(b));
                assert_eq!(got, expected, "{a} over {b} in {graph:?}");
            }
        }
        for (n, &live) in live.iter().enumerate() {
            let block = Block(n as u32);
            assert_eq!(analysis.order.is_reachable(block), live);
            let idom = analysis.dominators.idom(block);
            assert_eq!(idom.is_some(), live && n != 0);
            if let Some(idom) = idom {
                let strict = |&a: &Block| a != block && analysis.dominators.dominates(a, block);
                let all: Vec<Block> = (0..graph.len() as u32).map(Block).filter(strict).collect();
                assert!(all.iter().all(|&a| analysis.dominators.dominates(a, idom)) && all.contains(&idom));
            }
        }
    }
}

#[test]
fn loop_depths_are_those_of_the_definition() {
    let mut random = Random(0xfeed_beef_0001);
    for _ in 0..2000 {
        let graph = random.graph();
        let analysis = analyse(&graph);
        let mut depths = vec![0; graph.len()];
        for header in analysis.order.rpo().iter().copied() {
            let latches: Vec<Block> = (analysis.cfg.preds(header).iter().copied())
                .filter(|&pred| analysis.dominators.dominates(header, pred))
                .collect();
            assert_eq!(analysis.loops.is_header(header), !latches.is_empty());
            for block in 0..graph.len() as u32 {
                // In the loop if a latch can be reached without passing the header.
                let from = reachable(&graph, block, Some(header.0));
                let inside = Block(block) == header || latches.iter().any(|latch| from[latch.0 as usize]);
                if !latches.is_empty() && inside && analysis.order.is_reachable(Block(block)) {
                    depths[block as usize] += 1;
                }
            }
        }
        for (n, &depth) in depths.iter().enumerate() {
            assert_eq!(analysis.loops.depth(Block(n as u32)), depth, "block {n} of {graph:?}");
        }
    }
}

#[test]
fn loops_know_what_is_around_them() {
    // 0 -> 1 -> 2 -> 3; 3 -> 2 and 3 -> 4; 4 -> 1 and 4 -> 5.
    let graph = vec![vec![1], vec![2], vec![3], vec![2, 4], vec![1, 5], vec![]];
    let analysis = analyse(&graph);
    let inner = analysis.loops.innermost(Block(3)).expect("block 3 is in a loop");
    let data = analysis.loops.all()[inner];
    assert_eq!((data.header, data.depth), (Block(2), 2));
    let outer = data.parent.expect("there is a loop around it");
    assert_eq!(analysis.loops.all()[outer].header, Block(1));
    assert_eq!(analysis.loops.innermost(Block(4)), Some(outer));
    assert_eq!(analysis.loops.innermost(Block(5)), None);
}

#[test]
fn an_empty_function_has_no_order() {
    assert!(analyse(&[]).order.rpo().is_empty());
}

#[test]
fn missing_blocks_get_no_edges() {
    let mut stencil = function(&[vec![1, 2], vec![], vec![]]);
    stencil.blocks[Block(2)].defined = false;
    stencil.layout.pop();
    let mut analysis = Analysis::default();
    analysis.compute(&stencil);
    assert_eq!(analysis.cfg.succs(Block(0)), [Block(1)]);
}

#[test]
fn trees_are_shown_in_reverse_postorder() {
    let stencil = function(&[vec![2, 1], vec![3], vec![3], vec![]]);
    let mut analysis = Analysis::default();
    analysis.compute(&stencil);
    let expected = "cfg_postorder: block3 block2 block1 block0\n\
        domtree_preorder {\n    block0: block1 block2 block3\n    block1:\n    block2:\n    block3:\n}\n";
    assert_eq!(domtree::text(&stencil, &analysis), expected);
    let annotations = |names| [(crate::ir::Inst(0), names)];
    assert_eq!(domtree::check(&stencil, &analysis, annotations("block1 block2 block3")), Ok(()));
    assert!(domtree::check(&stencil, &analysis, annotations("block1 block2")).is_err());
    assert!(domtree::check(&stencil, &analysis, annotations("block1 block1")).is_err());
    assert!(domtree::check(&stencil, &analysis, annotations("block1 block9")).is_err());
}

/// Graphs that are slow or deep for naive algorithms.
fn hard_graphs(count: u32) -> Vec<(&'static str, Vec<Vec<u32>>)> {
    let last = count - 1;
    let line = |edges: &dyn Fn(u32) -> Vec<u32>| (0..count).map(edges).collect::<Vec<_>>();
    let next = |n: u32| if n < last { vec![n + 1] } else { vec![] };
    vec![
        ("a line", line(&next)),
        ("a line with one exit", line(&|n| if n + 2 < count { vec![n + 1, last] } else { next(n) })),
        ("a line with back edges", line(&|n| if n < last { vec![n, n / 2 + 1, n + 1] } else { vec![] })),
        ("nested loops", line(&|n| if n < last { vec![n + 1, (last - n).max(1)] } else { vec![] })),
        ("a table at both ends", {
            let middle = count / 2;
            let table = |first: u32| [first].into_iter().chain(middle..count).collect::<Vec<_>>();
            line(&|n| match n {
                0 => table(1),
                _ if n + 1 == middle => table(last),
                _ if n < middle => vec![n + 1],
                _ => vec![],
            })
        }),
    ]
}

/// Checks that `large` takes about sixteen times as long as `small`, which does a sixteenth of the work.
///
/// The number of executed instructions does grow by about 16. Time grows by more, because the large data is
/// in a slower cache that other processes use too. So the limit is halfway between that and the 256 times of
/// quadratic cost, and one good attempt is enough.
pub(crate) fn assert_near_linear(name: &str, mut small: impl FnMut(), mut large: impl FnMut()) {
    let mut ratio = || {
        let start = thread_seconds();
        (0..64).for_each(|_| small());
        let middle = thread_seconds();
        (0..4).for_each(|_| large());
        16.0 * (thread_seconds() - middle) / (middle - start)
    };
    let mut best = f64::INFINITY;
    for _ in 0..10 {
        best = best.min(ratio());
        if best < 64.0 {
            return;
        }
    }
    panic!("{name}: at best {best} times the time");
}

/// The processor time of this thread, or elapsed time where the system does not provide it.
fn thread_seconds() -> f64 {
    let said = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = said.and_then(|said| said.split(' ').next()?.parse::<f64>().ok());
    nanoseconds.map_or_else(
        || std::time::UNIX_EPOCH.elapsed().expect("it is after 1970").as_secs_f64(),
        |nanoseconds| nanoseconds / 1e9,
    )
}

#[test]
fn analyses_are_near_linear() {
    for ((name, small), (_, large)) in hard_graphs(10_000).into_iter().zip(hard_graphs(160_000)) {
        let compute = |graph: &[Vec<u32>]| {
            let stencil = function(graph);
            let mut analysis = Analysis::default();
            move || {
                analysis.compute(&stencil);
                analysis.compute_loops();
            }
        };
        assert_near_linear(name, compute(&small), compute(&large));
    }
}
