#include "places.h"

namespace fare {

const char* const kSourceDir = FARE_SOURCE_DIR;
const char* const kRoutesim = FARE_ROUTESIM;

}  // namespace fare
