import Glibc
import Server
import Testing

/// On the real disk.
struct RotatingFileTests {
    let directory: String

    init() {
        var template = Array("/tmp/cashup-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { fatalError("no temporary directory") }
        directory = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    private func lines(_ name: String) -> [String]? { text("\(directory)/\(name)").map { $0.split(separator: "\n").map(String.init) } }

    private func remove() {
        for name in ["a.log", "a.log.1", "a.log.2", "a.log.3", "moved"] { unlink("\(directory)/\(name)") }
        rmdir(directory)
    }

    @Test("file: put aside when full, so many kept, every line whole and in order")
    func rotation() throws {
        defer { remove() }
        let file = try RotatingFile(path: "\(directory)/a.log", bytesMax: 50, kept: 2)
        for number in 0..<20 { #expect(file.write(line: "line \(number + 10)")) }  // 8 bytes each, 6 a file
        file.flush()
        #expect(lines("a.log") == ["line 28", "line 29"])
        #expect(lines("a.log.1") == (22..<28).map { "line \($0)" })
        #expect(lines("a.log.2") == (16..<22).map { "line \($0)" })
        #expect(lines("a.log.3") == nil)
        // Longer than a file may be: in one by itself.
        let long = String(repeating: "x", count: 80)
        file.write(line: long)
        file.write(line: "after")
        file.close()
        #expect(lines("a.log") == ["after"])
        #expect(lines("a.log.1") == [long])
        #expect(file.dropped == 0)
        #expect(!file.write(line: "too late"))
        #expect(file.dropped == 1)
    }

    @Test("file: goes on where the last run has ended")
    func appends() throws {
        defer { remove() }
        for text in ["first", "second"] {
            let file = try RotatingFile(path: "\(directory)/a.log", bytesMax: 15, kept: 1)
            file.write(line: text)
            file.close()
        }
        #expect(lines("a.log") == ["first", "second"])
        let file = try RotatingFile(path: "\(directory)/a.log", bytesMax: 15, kept: 1)
        file.write(line: "third")
        file.close()
        #expect(lines("a.log") == ["third"] && lines("a.log.1") == ["first", "second"])
    }

    @Test("file: moved away and opened anew")
    func reopen() throws {
        defer { remove() }
        let file = try RotatingFile(path: "\(directory)/a.log", bytesMax: 1_000, kept: 1)
        file.write(line: "before")
        file.flush()
        #expect(rename("\(directory)/a.log", "\(directory)/moved") == 0)
        file.write(line: "still the old one")
        file.reopen()
        file.flush()
        file.write(line: "after")
        file.close()
        #expect(lines("moved") == ["before", "still the old one"] && lines("a.log") == ["after"])
    }

    @Test("file: more than may wait is dropped, counted and told of")
    func drops() throws {
        defer { remove() }
        // A pipe that nobody reads stands for a disk that takes nothing.
        #expect(mkfifo("\(directory)/a.log", 0o600) == 0)
        let end = open("\(directory)/a.log", O_RDONLY | O_NONBLOCK)
        let file = try RotatingFile(path: "\(directory)/a.log", bytesMax: 1 << 40, kept: 1, queueBytesMax: 10_000) { "\($0) lost" }
        let line = String(repeating: "x", count: 99)
        var taken = 0
        for _ in 0..<2_000 where file.write(line: line) { taken += 1 }
        #expect(taken < 2_000 && file.dropped == 2_000 - taken)
        var read = ""
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        // What was lost is told when there is room again, perhaps more than once.
        func lost() -> Int { read.split(separator: "\n").filter { $0.hasSuffix(" lost") }.reduce(0) { $0 + (Int($1.dropLast(5)) ?? 0) } }
        while !read.hasSuffix("\n") || lost() < 2_000 - taken {
            let count = Glibc.read(end, &bytes, bytes.count)
            if count > 0 { read += String(decoding: bytes[..<count], as: UTF8.self) } else { usleep(1_000) }
        }
        file.close()
        close(end)
        #expect(lost() == 2_000 - taken)
        let written = read.split(separator: "\n").filter { !$0.hasSuffix(" lost") }
        #expect(written.count == taken && written.allSatisfy { $0 == line })
    }

    @Test("file: what cannot be opened stops the start, with its path")
    func unwritable() {
        defer { remove() }
        do {
            _ = try RotatingFile(path: "\(directory)/nowhere/a.log", bytesMax: 10, kept: 1)
            Issue.record("opened a file in no directory")
        } catch {
            #expect((error as? StartFailure)?.exitCode == 64)
            #expect("\(error)".contains("\(directory)/nowhere/a.log"))
        }
    }
}

/// A file's content; `nil`: there is none.
func text(_ path: String) -> String? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var text = ""
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&bytes, 1, bytes.count, file), count > 0 { text += String(decoding: bytes[..<count], as: UTF8.self) }
    return text
}
