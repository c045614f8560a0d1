//! Rewrites a module so that it counts what it executes and which functions of the host it calls.
//!
//! These counts depend on nothing but the module and what it is given, unlike times. Fuel is counted as wasmtime
//! does: one for each operator, and nothing for those that only give the code its structure. Counters are added up
//! where control may flow elsewhere, so that a straight run of operators costs one addition.

use wasm_encoder::reencode::{self, Reencode, utils};
use wasm_encoder::{CodeSection, ConstExpr, ExportKind, ExportSection, Function, GlobalSection, GlobalType, Module};
use wasm_encoder::{Instruction, ValType};
use wasmparser::{KnownCustom, Name, Operator, Parser, Payload, TypeRef};

use super::instrument::Unfit;

/// What the exported counters are called: this, and then [`FUEL`] or the name of a function of the host.
pub(super) const PREFIX: &str = "sluice_meter:";
/// The counter of executed operators.
pub(super) const FUEL: &str = "fuel";
/// What begins the counter of a function of the module, before its name.
pub(super) const FUNCTION: &str = "function:";

/// The module with counters in it, which are exported globals; with one for each of its functions on request.
pub(super) fn metered(wasm: &[u8], each_function: bool) -> Result<Vec<u8>, Unfit> {
    let mut meter = Meter::survey(wasm)?;
    if !each_function {
        meter.functions.clear();
    }
    let mut module = Module::new();
    meter.parse_core_module(&mut module, Parser::new(0), wasm)?;
    Ok(module.finish())
}

/// What the module has.
#[derive(Debug, Default)]
struct Meter {
    /// The functions it imports.
    imports: Vec<String>,
    /// How many globals it has.
    globals: u32,
    /// The functions it defines, if each is to count for itself.
    functions: Vec<String>,
    /// How many of them have been written.
    written: u32,
}

impl Meter {
    fn survey(wasm: &[u8]) -> Result<Self, Unfit> {
        let mut found = Self::default();
        let mut has_section = false;
        for payload in Parser::new(0).parse_all(wasm) {
            match payload.map_err(reencode::Error::from)? {
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        let import = import.map_err(reencode::Error::from)?;
                        match import.ty {
                            TypeRef::Func(_) => found.imports.push(import.name.to_owned()),
                            TypeRef::Global(_) => found.globals += 1,
                            _ => {}
                        }
                    }
                }
                Payload::FunctionSection(functions) => {
                    found.functions = (0..functions.count()).map(|at| format!("#{at}")).collect();
                }
                Payload::CustomSection(section) => {
                    if let KnownCustom::Name(names) = section.as_known() {
                        found.name(names)?;
                    }
                }
                Payload::GlobalSection(globals) => {
                    found.globals += globals.count();
                    has_section = true;
                }
                _ => {}
            }
        }
        if has_section { Ok(found) } else { Err(Unfit::NoGlobals) }
    }

    /// Calls functions as the module's own section of names does.
    fn name(&mut self, names: wasmparser::NameSectionReader<'_>) -> Result<(), Unfit> {
        for names in names {
            let Name::Function(names) = names.map_err(reencode::Error::from)? else {
                continue;
            };
            for named in names {
                let named = named.map_err(reencode::Error::from)?;
                let defined = usize::try_from(named.index).unwrap_or(usize::MAX);
                let place = defined.checked_sub(self.imports.len());
                if let Some(function) = place.and_then(|place| self.functions.get_mut(place)) {
                    named.name.clone_into(function);
                }
            }
        }
        Ok(())
    }

    const fn fuel(&self) -> u32 {
        self.globals
    }

    /// The counters of the function that is being written.
    fn spenders(&self) -> impl Iterator<Item = u32> + use<> {
        let own = self.globals + 1 + self.imports.len() as u32 + self.written;
        let has_own = !self.functions.is_empty();
        std::iter::once(self.fuel()).chain(has_own.then_some(own))
    }

    /// The counter of an imported function, if it is one.
    fn calls(&self, function: u32) -> Option<u32> {
        let is_imported = usize::try_from(function).is_ok_and(|function| function < self.imports.len());
        is_imported.then(|| self.globals + 1 + function)
    }
}

fn add(code: &mut Function, counter: u32, number: i64) {
    code.instructions()
        .global_get(counter)
        .i64_const(number)
        .i64_add()
        .global_set(counter);
}

/// What wasmtime takes for it.
const fn cost(operator: &Operator<'_>) -> i64 {
    match operator {
        Operator::Nop
        | Operator::Drop
        | Operator::Block { .. }
        | Operator::Loop { .. }
        | Operator::Unreachable
        | Operator::Return
        | Operator::Else
        | Operator::End => 0,
        _ => 1,
    }
}

/// Whether what comes next may be executed more or less often than what came before.
const fn turns(operator: &Operator<'_>) -> bool {
    matches!(
        operator,
        Operator::Loop { .. }
            | Operator::If { .. }
            | Operator::Else
            | Operator::End
            | Operator::Br { .. }
            | Operator::BrIf { .. }
            | Operator::BrTable { .. }
            | Operator::Return
            | Operator::Unreachable
    )
}

impl Reencode for Meter {
    type Error = std::convert::Infallible;

    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: wasmparser::GlobalSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        utils::parse_global_section(self, globals, section)?;
        let counter = GlobalType {
            val_type: ValType::I64,
            mutable: true,
            shared: false,
        };
        for _ in 0..=self.imports.len() + self.functions.len() {
            globals.global(counter, &ConstExpr::i64_const(0));
        }
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: wasmparser::ExportSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        utils::parse_export_section(self, exports, section)?;
        let functions = self.functions.iter().map(|name| format!("{FUNCTION}{name}"));
        let names = std::iter::once(FUEL.to_owned()).chain(self.imports.iter().cloned());
        for (place, (counter, name)) in (self.fuel()..).zip(names.chain(functions)).enumerate() {
            // Functions may have one name, exports may not.
            exports.export(&format!("{PREFIX}{place}:{name}"), ExportKind::Global, counter);
        }
        Ok(())
    }

    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        body: wasmparser::FunctionBody<'_>,
    ) -> Result<(), reencode::Error> {
        let mut function = self.new_function_with_parsed_locals(&body)?;
        let mut spent = 0;
        for operator in body.get_operators_reader()? {
            let operator = operator?;
            spent += cost(&operator);
            if turns(&operator) && spent > 0 {
                for counter in self.spenders() {
                    add(&mut function, counter, spent);
                }
                spent = 0;
            }
            let instruction = self.instruction(operator)?;
            if let Instruction::Call(called) = instruction
                && let Some(calls) = self.calls(called)
            {
                add(&mut function, calls, 1);
            }
            function.instruction(&instruction);
        }
        code.function(&function);
        self.written += 1;
        Ok(())
    }
}
