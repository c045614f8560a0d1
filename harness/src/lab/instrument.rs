//! Rewrites a module so that the lab can do with it what the ABI crate does
//! not let a host do, and Envoy does.
//!
//! The ABI crate refuses `proxy_set_effective_context` across root contexts;
//! in Envoy any context of the VM will do, and a filter that keeps its policy
//! per VM needs that. It also hides the linear memory. So calls of
//! `proxy_set_effective_context` and `proxy_done` go through functions added
//! here, which ask the lab, and the module answers one callback more:
//! `proxy_on_foreign_function`, with the number of a [`Question`].
//!
//! And the crate tells a guest of each gRPC stream that ends because its
//! context is deleted, where Envoy cancels in silence: `proxy_on_grpc_close`
//! asks the lab first whether Envoy would call.

use super::meter::PREFIX;
use wasm_encoder::reencode::{self, Reencode, utils};
use wasm_encoder::{CodeSection, ExportKind, ExportSection, Function, FunctionSection, ImportSection, InstructionSink};
use wasm_encoder::{EntityType, Module, TypeSection, ValType};
use wasmparser::{Parser, Payload, TypeRef};

/// What the lab asks a module through `proxy_on_foreign_function`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// How big is its memory? The module calls the nameless foreign function
    /// with as many bytes of arguments as it has pages.
    Memory,
    /// Will it have the effective context done? It calls `proxy_done`, because
    /// the ABI crate takes that from nobody else.
    Done,
    /// What does one of its counters say? They are of 64 bits and the answer is again a
    /// number of bytes of arguments, so it is asked for a part of its bits, and one is added.
    Counter {
        /// Its place among [`counters`].
        place: u32,
        /// Which bits: those from this many times [`PART_BITS`] on.
        part: u32,
    },
}

/// How many bits of a counter are told at once: no more than there are bytes of memory.
pub(super) const PART_BITS: u32 = 16;
/// How many times: what is told is below 2 to the 48th.
pub(super) const PARTS: u32 = 3;

impl Question {
    /// What stands for it.
    pub(super) const fn number(self) -> u32 {
        match self {
            Self::Memory => 1,
            Self::Done => 2,
            Self::Counter { place, part } => 3 + place * PARTS + part,
        }
    }
}

/// The names of what a module counts, in the order of their places.
pub(super) fn counters(wasm: &[u8]) -> Result<Vec<String>, Unfit> {
    let counters = Rewrite::survey(wasm)?.counters.into_iter();
    Ok(counters.map(|(name, _)| name).collect())
}

/// Why a module cannot be run in the lab.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// It is no WebAssembly module, or not one that can be rewritten.
    #[error("the module cannot be rewritten: {0}")]
    Module(#[from] reencode::Error),
    /// It imports nothing, so nothing it does can be seen.
    #[error("the module imports nothing")]
    NoImports,
    /// It has no globals, beside which counters could stand.
    #[error("the module has no globals")]
    NoGlobals,
}

/// The module with the lab's functions in it.
pub(crate) fn instrument(wasm: &[u8]) -> Result<Vec<u8>, Unfit> {
    let mut rewrite = Rewrite::survey(wasm)?;
    let mut module = Module::new();
    rewrite.parse_core_module(&mut module, Parser::new(0), wasm)?;
    Ok(module.finish())
}

const ON_FOREIGN_FUNCTION: &str = "proxy_on_foreign_function";
const ON_GRPC_CLOSE: &str = "proxy_on_grpc_close";

/// The functions imported in addition, in this order.
const ADDED_IMPORTS: [(&str, Signature); 4] = [
    ("proxy_set_effective_context", Signature::Context),
    ("proxy_done", Signature::Done),
    ("proxy_set_property", Signature::SetProperty),
    ("proxy_call_foreign_function", Signature::Foreign),
];

/// The functions added, in this order.
const ADDED_FUNCTIONS: [Signature; 4] = [
    Signature::Context,
    Signature::Done,
    Signature::ThreeToNone,
    Signature::ThreeToNone,
];

const ON_FOREIGN: u32 = 2;
const ON_CLOSE: u32 = 3;

const EFFECTIVE: u32 = 0;
const DONE: u32 = 1;
const SET_PROPERTY: u32 = 2;
const FOREIGN: u32 = 3;

#[derive(Debug, Clone, Copy)]
enum Signature {
    Context,
    Done,
    SetProperty,
    Foreign,
    ThreeToNone,
}

impl Signature {
    const ALL: [Self; 5] = [
        Self::Context,
        Self::Done,
        Self::SetProperty,
        Self::Foreign,
        Self::ThreeToNone,
    ];

    const fn arity(self) -> (usize, usize) {
        match self {
            Self::Context => (1, 1),
            Self::Done => (0, 1),
            Self::SetProperty => (4, 1),
            Self::Foreign => (6, 1),
            Self::ThreeToNone => (3, 0),
        }
    }
}

/// Where things are in the module, before and after.
#[derive(Debug, Default)]
struct Rewrite {
    /// Imported functions of the module itself.
    imported: u32,
    /// Functions the module defines.
    defined: u32,
    effective: Option<u32>,
    done: Option<u32>,
    /// The module's own `proxy_on_grpc_close`.
    on_close: Option<u32>,
    /// The globals in which it counts.
    counters: Vec<(String, u32)>,
    /// The first added type, known once the types have been written.
    types: u32,
}

impl Rewrite {
    fn survey(wasm: &[u8]) -> Result<Self, Unfit> {
        let mut found = Self::default();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload.map_err(reencode::Error::from)? {
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        let import = import.map_err(reencode::Error::from)?;
                        if !matches!(import.ty, TypeRef::Func(_)) {
                            continue;
                        }
                        match (import.module, import.name) {
                            ("env", "proxy_set_effective_context") => found.effective = Some(found.imported),
                            ("env", "proxy_done") => found.done = Some(found.imported),
                            _ => {}
                        }
                        found.imported += 1;
                    }
                }
                Payload::FunctionSection(functions) => found.defined = functions.count(),
                Payload::ExportSection(exports) => {
                    for export in exports {
                        let export = export.map_err(reencode::Error::from)?;
                        if export.name == ON_GRPC_CLOSE {
                            found.on_close = Some(export.index);
                        }
                        let counter = export.name.strip_prefix(PREFIX).and_then(|name| name.split_once(':'));
                        if let Some((_, name)) = counter {
                            found.counters.push((name.to_owned(), export.index));
                        }
                    }
                }
                _ => {}
            }
        }
        if found.imported == 0 {
            return Err(Unfit::NoImports);
        }
        Ok(found)
    }

    /// The index of an added import.
    const fn import(&self, which: u32) -> u32 {
        self.imported + which
    }

    /// The index of an added function, behind all others.
    const fn added(&self, which: u32) -> u32 {
        self.imported + ADDED_IMPORTS.len() as u32 + self.defined + which
    }

    /// The index of a function of the module itself.
    const fn moved(&self, index: u32) -> u32 {
        if index < self.imported {
            index
        } else {
            index + ADDED_IMPORTS.len() as u32
        }
    }

    const fn signature(&self, signature: Signature) -> u32 {
        self.types + signature as u32
    }

    /// Moves the context of the ABI crate if it lets itself be moved, and the
    /// lab's in any case: by setting the nameless property to as many bytes as
    /// the number of the context. Its answer is the lab's. So a VM cannot have
    /// had more contexts than it has bytes of memory. And what the crate itself
    /// keeps by context, gRPC and ticks, stays with the root context of the
    /// callback when the guest moves to another root.
    fn set_effective(&self, code: &mut InstructionSink<'_>) {
        code.local_get(0).call(self.import(EFFECTIVE)).drop();
        code.i32_const(0).i32_const(0).i32_const(0).local_get(0);
        code.call(self.import(SET_PROPERTY)).end();
    }

    /// Asks the lab, which then asks [`Question::Done`].
    fn done(&self, code: &mut InstructionSink<'_>) {
        self.foreign(code, |code| {
            code.i32_const(0);
        });
        code.end();
    }

    fn on_foreign(&self, code: &mut InstructionSink<'_>) {
        let is = |code: &mut InstructionSink<'_>, question: Question| {
            code.local_get(1).i32_const(question.number().cast_signed()).i32_eq();
            code.if_(wasm_encoder::BlockType::Empty);
        };
        is(code, Question::Memory);
        self.foreign(code, |code| {
            code.memory_size(0);
        });
        code.drop().end();
        is(code, Question::Done);
        code.call(self.import(DONE)).drop().end();
        for (place, (_, global)) in (0..).zip(&self.counters) {
            for part in 0..PARTS {
                is(code, Question::Counter { place, part });
                self.foreign(code, |code| {
                    code.global_get(*global);
                    code.i64_const(i64::from(part * PART_BITS)).i64_shr_u().i32_wrap_i64();
                    code.i32_const((1 << PART_BITS) - 1).i32_and().i32_const(1).i32_add();
                });
                code.drop().end();
            }
        }
        code.end();
    }

    /// Goes on unless the lab answers `OK` to an effective context of zero.
    fn on_close(&self, code: &mut InstructionSink<'_>) {
        if let Some(own) = self.on_close {
            for _ in 0..4 {
                code.i32_const(0);
            }
            code.call(self.import(SET_PROPERTY));
            code.if_(wasm_encoder::BlockType::Empty);
            code.local_get(0).local_get(1).local_get(2).call(self.moved(own));
            code.end();
        }
        code.end();
    }

    /// The nameless foreign function with this many bytes of arguments.
    fn foreign(&self, code: &mut InstructionSink<'_>, size: impl FnOnce(&mut InstructionSink<'_>)) {
        code.i32_const(0).i32_const(0).i32_const(0);
        size(code);
        code.i32_const(0).i32_const(0).call(self.import(FOREIGN));
    }
}

impl Reencode for Rewrite {
    type Error = std::convert::Infallible;

    fn function_index(&mut self, index: u32) -> Result<u32, reencode::Error> {
        Ok(match Some(index) {
            at if at == self.effective => self.added(0),
            at if at == self.done => self.added(1),
            _ => self.moved(index),
        })
    }

    fn parse_type_section(
        &mut self,
        types: &mut TypeSection,
        section: wasmparser::TypeSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        utils::parse_type_section(self, types, section)?;
        self.types = types.len();
        for signature in Signature::ALL {
            let (parameters, results) = signature.arity();
            let values = |count| std::iter::repeat_n(ValType::I32, count);
            types.ty().function(values(parameters), values(results));
        }
        Ok(())
    }

    fn parse_import_section(
        &mut self,
        imports: &mut ImportSection,
        section: wasmparser::ImportSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        utils::parse_import_section(self, imports, section)?;
        for (name, signature) in ADDED_IMPORTS {
            imports.import("env", name, EntityType::Function(self.signature(signature)));
        }
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: wasmparser::FunctionSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        utils::parse_function_section(self, functions, section)?;
        for signature in ADDED_FUNCTIONS {
            functions.function(self.signature(signature));
        }
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: wasmparser::ExportSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        for export in section {
            let export = export?;
            match export.name {
                // The lab's own takes its place: nothing else calls it.
                ON_FOREIGN_FUNCTION => {}
                ON_GRPC_CLOSE => {
                    exports.export(export.name, ExportKind::Func, self.added(ON_CLOSE));
                }
                _ => utils::parse_export(self, exports, export)?,
            }
        }
        exports.export(ON_FOREIGN_FUNCTION, ExportKind::Func, self.added(ON_FOREIGN));
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: wasmparser::CodeSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        utils::parse_code_section(self, code, section)?;
        for write in [Self::set_effective, Self::done, Self::on_foreign, Self::on_close] {
            let mut function = Function::new([]);
            write(self, &mut function.instructions());
            code.function(&function);
        }
        Ok(())
    }
}
