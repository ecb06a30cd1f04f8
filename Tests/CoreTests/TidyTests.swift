import Foundation
import Testing

/// Rules of the house that a compiler does not know.
@Suite struct TidyTests {
    private let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private func sources(_ folder: String) throws -> [(name: String, text: String)] {
        let base = root.appending(path: "Sources/\(folder)")
        let files = FileManager.default.enumerator(at: base, includingPropertiesForKeys: nil)!
        return try files.compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }
            .map { ($0.lastPathComponent, try String(contentsOf: $0, encoding: .utf8)) }
    }

    private func imports(_ text: String) -> [String] {
        text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { $0.hasPrefix("import ") || $0.hasPrefix("public import ") || $0.hasPrefix("@") && $0.contains(" import ") }
            .map { String($0.split(separator: " ").last!) }
    }

    /// But the processor's prefetch, which Swift cannot say: one inline function.
    @Test func `Core imports nothing`() throws {
        let files = try sources("Core")
        #expect(files.count > 10)
        for file in files { #expect(Set(imports(file.text)).isSubset(of: ["CPrefetch"]), "\(file.name)") }
    }

    @Test func `arrows point one way: WAL knows no Server`() throws {
        let allowed: Set = ["Core", "CZstd", "Synchronization", "Glibc", "Foundation", "Dispatch"]
        for file in try sources("WAL") {
            #expect(Set(imports(file.text)).isSubset(of: allowed), "\(file.name): \(imports(file.text))")
        }
        for file in try sources("Server") { #expect(!imports(file.text).contains("Client"), "\(file.name)") }
    }

    @Test func `arrows point one way: History knows no Gateway, Server no History`() throws {
        let allowed: Set = ["Core", "WAL", "Server", "GRDB", "GRDBSQLite", "Logging", "Synchronization", "Foundation", "Dispatch"]
        for file in try sources("History") {
            #expect(Set(imports(file.text)).isSubset(of: allowed), "\(file.name): \(imports(file.text))")
        }
        for folder in ["Core", "WAL", "Server", "Client"] {
            for file in try sources(folder) {
                #expect(Set(imports(file.text)).isDisjoint(with: ["History", "Gateway", "GRDB"]), "\(file.name)")
            }
        }
    }

    @Test func `no leftovers, no floating point in Core, no file past reason`() throws {
        for folder in ["Core", "WAL", "Server", "History", "Gateway", "Client", "cashup"] {
            for file in try sources(folder) {
                for word in ["FIXME", "TODO", "XXX", "not implemented"] {
                    #expect(!file.text.contains(word), "\(file.name): \(word)")
                }
                #expect(file.text.split(separator: "\n", omittingEmptySubsequences: false).count <= 600, "\(file.name)")
                if folder == "Core" { #expect(!file.text.contains("Double") && !file.text.contains("Float"), "\(file.name)") }
            }
        }
    }
}
