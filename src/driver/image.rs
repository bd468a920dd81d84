//! Makes images, and says where in the source it is that refers to what an image cannot have.

use super::contradictions::read_again;
use super::{BuildOptions, Unit};
use crate::diag::{Diagnostic, Source};
use crate::ir::{DataKind, GlobalValueData, Module, Name};
use crate::object::{self, Image, Import, Unresolved, Written};
use crate::parse::{ParseContext, Split};

/// Makes an image of an object, if one is wanted.
pub(super) fn make(
    source: &Source,
    split: &Split,
    module: &Module,
    units: &[Unit],
    options: &BuildOptions,
    written: &Written,
) -> Result<Option<Image>, Vec<Diagnostic>> {
    let Some(base) = options.image else { return Ok(None) };
    let target = &options.target;
    if !target.is_elf() {
        let why = format!("images are made for Linux, and the target is {target}: use another --target");
        return Err(vec![Diagnostic::unsupported(0, why)]);
    }
    let variables = module.data.iter().filter(|item| item.kind == DataKind::Tls);
    let variables = variables.map(|item| {
        Diagnostic::error(
            item.offset,
            "an image can't have thread-local data: the system makes it for programs",
        )
    });
    let imports = written.imports.iter().map(|import| undefined(source, split, module, import));
    let mut errors: Vec<Diagnostic> = variables.chain(imports).collect();
    if errors.is_empty() {
        let place_of = |symbol: &str| {
            let of_function = written.symbols.iter().position(|name| name == symbol);
            let of_function = of_function.map(|at| split.functions[units[at].0].text.start);
            let named = |name: &Name| matches!(name, Name::Text(text) if **text == *symbol);
            let of_data = module.data.iter().find(|item| item.name.as_ref().is_some_and(named));
            of_function.or(of_data.map(|item| item.offset)).unwrap_or(0)
        };
        match object::image(&written.bytes, target.arch(), base) {
            Ok(image) => return Ok(Some(image)),
            Err(unresolved) => errors.extend(unresolved.into_iter().map(|Unresolved { user, message }| {
                Diagnostic::error(user.map_or(0, |user| place_of(&user)), message)
            })),
        }
    }
    errors.sort_by_key(|error| error.offset);
    errors.dedup();
    Err(errors)
}

/// The error that nothing defines a symbol.
fn undefined(source: &Source, split: &Split, module: &Module, import: &Import) -> Diagnostic {
    let Import { symbol, user, name } = import;
    let declared = name.and_then(|name| {
        let (function, positions) =
            read_again(source, split, *user, &mut ParseContext::with_types(&module.types))?;
        let functions = function.stencil.functions.iter();
        let mut functions = functions.filter(|(_, data)| data.as_ref().is_some_and(|data| data.name == name));
        let values = function.stencil.global_values.iter();
        let mut values = values.filter(
            |(_, data)| matches!(data, GlobalValueData::Symbol { name: symbol, .. } if *symbol == name),
        );
        let function = functions.next().and_then(|(key, _)| positions.functions.get(key).copied());
        function.or_else(|| values.next().and_then(|(key, _)| positions.global_values.get(key).copied()))
    });
    let why = match name {
        Some(_) => format!("`{symbol}` is not defined"),
        None => format!("`{symbol}`, which this refers to, is not defined"),
    };
    let error = Diagnostic::error(declared.unwrap_or(*user), why)
        .note("no linker adds to an image: what it refers to is in the file or at a known address");
    match name {
        Some(_) => error.note(format!("to give its address: symbol %{symbol} = 0x…")),
        None => error,
    }
}
