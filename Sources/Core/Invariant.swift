/// Stops the process, in release builds too, when something that can never be is so. `assert` vanishes in `-O`, and
/// `precondition` prints neither the message nor the place there (checked with Swift 6.3.1).
@inlinable
public func invariant(
    _ condition: Bool, _ message: @autoclosure () -> StaticString, file: StaticString = #fileID, line: UInt = #line
) {
    if !condition { invariantFailure(message(), file: file, line: line) }
}

public func invariantFailure(_ message: StaticString, file: StaticString = #fileID, line: UInt = #line) -> Never {
    print("cashup: broken invariant at \(file):\(line): \(message)")
    fatalError("broken invariant")
}
