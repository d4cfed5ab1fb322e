#pragma once

namespace fare {

// Where the tests find things.  Defined in one place, so that no other object file depends on the
// folder it was built in and a compiler cache serves every clone.
extern const char* const kSourceDir;  // The root of the project.
extern const char* const kRoutesim;   // The program.

}  // namespace fare
