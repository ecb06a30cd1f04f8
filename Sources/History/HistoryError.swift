/// Why history does not answer or cannot be opened.
package enum HistoryError: Error, Equatable, CustomStringConvertible {
    /// The query took longer than it may.
    case busy
    /// History is not open (any more), or stands still: `state` says why.
    case unavailable(String)
    /// A filter's value cannot be read: its name and what was expected.
    case badValue(argument: String, expected: String)
    /// A sum does not fit 128 bits.
    case overflow
    /// The file is another program's.
    case notHistory
    /// A newer program made the schema.
    case newerSchema(found: Int, known: Int)

    package var description: String {
        switch self {
        case .busy: "the query took too long; ask for less: an account, a symbol, a shorter time"
        case .unavailable(let why): why
        case .badValue(let argument, let expected): "\(argument): expected \(expected)"
        case .overflow: "a sum does not fit 128 bits"
        case .notHistory: "the file is a database of something else"
        case .newerSchema(let found, let known):
            "the database has schema version \(found), this program knows versions up to \(known): run the newer program, or there `cashup history migrate --to \(known)`"
        }
    }
}
