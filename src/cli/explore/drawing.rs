//! Draws control-flow graphs: blocks in layers from top to bottom, in SVG.
//!
//! A block's layer is the length of the longest path to it, not counting edges that lead back to a block on
//! the way. Within a layer, blocks are ordered by where those before them are. Edges to the next layers are
//! curves; others go around on the right.

use std::fmt::Write;

use clifc::analysis::graph::Node;

use super::page::escape;

const LINE: usize = 16;
const CHARACTER: usize = 8;
const PADDING: usize = 8;
const GAP: usize = 48;

/// Where a block is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Place {
    x: usize,
    y: usize,
    width: usize,
    height: usize,
}

/// The layer of each block; blocks that cannot be reached are in the first one.
fn layers(nodes: &[Node]) -> Vec<usize> {
    // Depth-first, with a list in place of recursion: edges to blocks that are being visited lead back.
    let mut state = vec![0u8; nodes.len()];
    let mut order = Vec::with_capacity(nodes.len());
    let mut back = Vec::new();
    for root in 0..nodes.len() {
        let mut stack = vec![(root, 0)];
        while let Some((node, next)) = stack.pop() {
            if next == 0 {
                if state[node] != 0 {
                    continue;
                }
                state[node] = 1;
            }
            match nodes[node].edges.get(next) {
                Some(&(to, _)) => {
                    stack.push((node, next + 1));
                    match state[to] {
                        0 => stack.push((to, 0)),
                        1 => back.push((node, to)),
                        _ => {}
                    }
                }
                None => {
                    state[node] = 2;
                    order.push(node);
                }
            }
        }
    }
    back.sort_unstable();
    let mut layers = vec![0; nodes.len()];
    for &node in order.iter().rev() {
        for (to, _) in &nodes[node].edges {
            if back.binary_search(&(node, *to)).is_err() {
                layers[*to] = layers[*to].max(layers[node] + 1);
            }
        }
    }
    layers
}

/// The middle of the blocks before one.
fn wish(before: &[usize], places: &[Place]) -> usize {
    let sum: usize = before.iter().map(|from| places[*from].x + places[*from].width / 2).sum();
    sum.checked_div(before.len()).unwrap_or(0)
}

/// Where the blocks are.
fn places(nodes: &[Node]) -> Vec<Place> {
    let layers = layers(nodes);
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); layers.iter().max().map_or(0, |last| last + 1)];
    layers.iter().enumerate().for_each(|(node, layer)| rows[*layer].push(node));
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    for (from, node) in nodes.iter().enumerate() {
        node.edges
            .iter()
            .filter(|(to, _)| layers[*to] > layers[from])
            .for_each(|(to, _)| before[*to].push(from));
    }
    let mut places = vec![Place::default(); nodes.len()];
    let mut y = PADDING;
    for row in &mut rows {
        row.sort_by_key(|node| (wish(&before[*node], &places), *node));
        let (mut x, mut tallest) = (PADDING, 0);
        for &node in row.iter() {
            let lines = &nodes[node].lines;
            let longest = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
            let (width, height) = (longest * CHARACTER + 2 * PADDING, lines.len() * LINE + 2 * PADDING);
            let left = x.max(wish(&before[node], &places).saturating_sub(width / 2));
            places[node] = Place { x: left, y, width, height };
            x = left + width + GAP;
            tallest = tallest.max(height);
        }
        y += tallest + GAP;
    }
    places
}

/// Returns the drawing of a graph.
pub(super) fn svg(nodes: &[Node]) -> String {
    let places = places(nodes);
    let right = places.iter().map(|place| place.x + place.width).max().unwrap_or(0);
    let bottom = places.iter().map(|place| place.y + place.height).max().unwrap_or(0);
    let (mut boxes, mut lines) = (String::new(), String::new());
    let mut lane = right;
    for (node, place) in nodes.iter().zip(&places) {
        let Place { x, y, width, height } = *place;
        write!(boxes, "<rect x='{x}' y='{y}' width='{width}' height='{height}' rx='4'/>").expect("a string");
        for (number, line) in node.lines.iter().enumerate() {
            let (x, y) = (x + PADDING, y + PADDING + LINE * number + LINE * 3 / 4);
            write!(boxes, "<text x='{x}' y='{y}'>{}</text>", escape(line)).expect("a string");
        }
        for (number, (to, name)) in node.edges.iter().enumerate() {
            let from_x = x + width * (number + 1) / (node.edges.len() + 1);
            let from_y = y + height;
            let to = places[*to];
            let (to_x, to_y) = (to.x + to.width / 2, to.y);
            let path = if to_y > from_y {
                let middle = (from_y + to_y) / 2;
                format!("M{from_x} {from_y}C{from_x} {middle} {to_x} {middle} {to_x} {to_y}")
            } else {
                lane += 12;
                let (low, high) = (from_y + 12, to_y.saturating_sub(12));
                format!("M{from_x} {from_y}V{low}H{lane}V{high}H{to_x}V{to_y}")
            };
            write!(lines, "<path d='{path}' marker-end='url(#arrow)'/>").expect("a string");
            let (x, y) = (from_x + 4, from_y + 12);
            write!(lines, "<text class='edge' x='{x}' y='{y}'>{}</text>", escape(name)).expect("a string");
        }
    }
    let (width, height) = (lane + 2 * PADDING, bottom + 3 * PADDING);
    format!("<svg width='{width}' height='{height}' xmlns='http://www.w3.org/2000/svg'>{lines}{boxes}</svg>")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[&[usize]]) -> Vec<Node> {
        let node = |to: &&[usize]| Node {
            lines: vec!["block:".into(), "x".repeat(to.len() * 9)],
            edges: to.iter().map(|to| (*to, String::new())).collect(),
        };
        edges.iter().map(node).collect()
    }

    #[test]
    fn edges_lead_down_except_those_of_loops() {
        assert_eq!(layers(&graph(&[&[1, 2], &[3], &[3], &[1, 4], &[]])), [0, 1, 1, 2, 3]);
        assert_eq!(layers(&graph(&[&[0]])), [0]);
        assert_eq!(layers(&graph(&[&[], &[2], &[1]])), [0, 0, 1]);
        assert!(layers(&[]).is_empty());
    }

    #[test]
    fn blocks_do_not_overlap() {
        let wide: Vec<usize> = (1..9).collect();
        let nodes = graph(&[&wide, &[9], &[9, 1], &[9], &[10], &[10], &[9], &[10], &[0], &[10], &[]]);
        let places = places(&nodes);
        for (number, a) in places.iter().enumerate() {
            for b in &places[..number] {
                let apart = a.x + a.width <= b.x || b.x + b.width <= a.x;
                assert!(apart || a.y + a.height <= b.y || b.y + b.height <= a.y, "{a:?} {b:?}");
            }
        }
    }
}
