import Foundation

/// Why a file is no report that this build can use.
public struct UnusableReport: Error, CustomStringConvertible {
    public enum Cause: Sendable {
        /// The file is not there or cannot be read.
        case file
        /// It holds something else, or another version.
        case contents
    }
    public let cause: Cause
    public let description: String
}

extension Report {
    // A figure that is no number must not cost the report of a run of an hour: JSON has no NaN, so these are written as text.
    private static let notNumbers = (infinite: "infinite", negative: "-infinite", none: "none")

    public func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: Report.notNumbers.infinite, negativeInfinity: Report.notNumbers.negative, nan: Report.notNumbers.none)
        return try encoder.encode(self)
    }

    /// The version is looked at before anything else, so that a report of another one is called that and not broken.
    public init(json data: Data) throws(UnusableReport) {
        struct Version: Decodable { var version: Int }
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: Report.notNumbers.infinite, negativeInfinity: Report.notNumbers.negative, nan: Report.notNumbers.none)
        guard let version = try? decoder.decode(Version.self, from: data).version else {
            throw UnusableReport(cause: .contents, description: "not a report: no JSON object with a version")
        }
        guard version == Report.currentVersion else {
            throw UnusableReport(
                cause: .contents, description: "a report of version \(version); this build reads version \(Report.currentVersion)")
        }
        do {
            self = try decoder.decode(Report.self, from: data)
        } catch let error as DecodingError {
            throw UnusableReport(cause: .contents, description: "not a whole report: \(Report.describe(error))")
        } catch {
            throw UnusableReport(cause: .contents, description: "not a whole report: \(error)")
        }
    }

    public init(file: String) throws(UnusableReport) {
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: file))
        } catch {
            throw UnusableReport(cause: .file, description: "\(file): cannot be read")
        }
        do {
            try self.init(json: data)
        } catch {
            throw UnusableReport(cause: error.cause, description: "\(file): \(error.description)")
        }
    }

    private static func describe(_ error: DecodingError) -> String {
        func place(_ context: DecodingError.Context, _ key: (any CodingKey)? = nil) -> String {
            let path = (context.codingPath + (key.map { [$0] } ?? [])).map { $0.intValue.map { "[\($0)]" } ?? ".\($0.stringValue)" }.joined()
            return path.isEmpty ? "the whole" : String(path.drop { $0 == "." })
        }
        return switch error {
        case .keyNotFound(let key, let context): "\(place(context, key)) is missing"
        case .valueNotFound(_, let context): "\(place(context)) is null"
        case .typeMismatch(_, let context): "\(place(context)) is of another kind"
        case .dataCorrupted(let context): "\(place(context)): \(context.debugDescription)"
        @unknown default: "\(error)"
        }
    }
}
