"""What a value is: dims, arrays, trees and records, and how they unify."""
