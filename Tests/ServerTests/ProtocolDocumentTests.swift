import Core
import Foundation
import Server
import Testing

/// docs/PROTOCOL.md and the code say the same.
@Suite struct ProtocolDocumentTests {
    static let document = try! String(
        contentsOf: URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../docs/PROTOCOL.md"), encoding: .utf8)

    private func section(_ number: Int) -> Substring {
        let text = Self.document
        guard let start = text.range(of: "\n## \(number). ") else { return "" }
        let rest = text[start.upperBound...]
        return rest.range(of: "\n## ").map { rest[..<$0.lowerBound] } ?? rest
    }

    /// What stands between backquotes and matches.
    private func quoted(_ text: Substring, _ matches: (String) -> Bool) -> [String] {
        text.split(separator: "`", omittingEmptySubsequences: false).enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) }.filter(matches)
    }

    @Test func everyCodeOfSectionTenExistsAndViceVersa() {
        var documented: [String] = []
        for row in section(10).split(separator: "\n") where row.hasPrefix("| `") {
            let cell = row.split(separator: "|", omittingEmptySubsequences: false)[1]
            documented += quoted(cell) { !$0.isEmpty }
        }
        #expect(Set(documented).count == documented.count, "a code is listed twice")
        #expect(Set(documented).sorted() == Code.allCases.map(\.name.description).sorted())
    }

    @Test func everyVerbIsInTheDocumentAndInHelp() {
        var words = Set<String>()
        for number in 3...9 {
            for word in section(number).split(whereSeparator: { !$0.isUppercase && $0 != "_" }) { words.insert(String(word)) }
        }
        for help in Help.table { #expect(words.contains(help.verb.name), "\(help.verb.name) is not documented") }
        let reserved: Set<Verb> = [.acknowledge, .reject, .canceledByVenue, .replacedByVenue, .cancelRejected]
        #expect(Set(Help.table.map(\.verb)).union(reserved) == Set(Verb.allCases))
        #expect(Help.table.count == Set(Help.table.map(\.verb)).count)
    }

    @Test func formsOfTradingAndMoneyAreThoseOfTheDocument() {
        for verb in ["NEW", "RPL", "CXL", "CXA", "FIL", "CLS"] {
            let form = Help.table.first { $0.verb.name == verb }!.form
            #expect(section(5).contains("**\(verb)** `\(form)`"), "\(verb) \(form)")
        }
        for verb in ["DEP", "WDR", "ADJ", "HLD", "RLS", "XFR"] {
            let form = Help.table.first { $0.verb.name == verb }!.form
            #expect(section(6).contains("`\(verb) \(form)`"), "\(verb) \(form)")
        }
    }

    @Test func helpAndTheParserAgree() {
        for help in Help.table {
            let shape = help.verb.shape
            #expect(help.arguments.count == shape.argumentsMax, "\(help.verb) \(help.arguments)")
            let words = help.form.split(separator: " ").map(String.init)
            var optional = 0
            for word in words where word.hasPrefix("[") && !word.hasPrefix("[-]") {
                let body = word.dropFirst()
                let key = body.prefix { $0.isLowercase || $0 == "_" || $0.isNumber }
                if !(body.dropFirst(key.count).first == "=") { optional += 1 }
            }
            #expect(shape.argumentsMin == shape.argumentsMax - optional, "\(help.verb)")
            var keys = KeySet(.before)
            var required = KeySet()
            for word in words {
                let body = word.hasPrefix("[") ? word.dropFirst() : word[...]
                guard let equals = body.firstIndex(of: "="), let key = OptionKey.allCases.first(where: { $0.name.description == body[..<equals] })
                else { continue }
                keys = keys | key
                if !word.hasPrefix("[") { required = required | key }
            }
            #expect(keys == shape.keys, "\(help.verb)")
            #expect(required == shape.required, "\(help.verb)")
        }
    }

    @Test func everyEventKindIsInSectionNine() {
        for kind in EventKind.allCases { #expect(section(9).contains("| `\(kind.name)` |")) }
    }
}
