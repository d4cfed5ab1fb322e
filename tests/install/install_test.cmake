# Run by ctest: install, configure the quickstart against what was installed, build it, run it.
set(prefix ${BUILD}/tests/installed)
set(work ${BUILD}/tests/quickstart)
file(REMOVE_RECURSE ${prefix} ${work})

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE code OUTPUT_VARIABLE out ERROR_VARIABLE out)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "${ARGN}\n${out}")
  endif()
endfunction()

if(CONFIG STREQUAL "Release")
  set(FLAGS "")
endif()
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix})
run(${CMAKE_COMMAND} -S ${SOURCE} -B ${work} -G Ninja -DCMAKE_PREFIX_PATH=${prefix}
    -DCMAKE_CXX_COMPILER=${CXX} "-DCMAKE_CXX_FLAGS=${FLAGS}")
run(${CMAKE_COMMAND} --build ${work})
run(${work}/quickstart ${prefix}/share/fare/pricing/anthropic.json)
run(${prefix}/bin/routesim price quote --model gpt-5.4 --at 2026-11-23T00:00:00Z
    --usage "{\"input\": 1}")
