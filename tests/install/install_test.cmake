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

function(build source folder)
  run(${CMAKE_COMMAND} -S ${source} -B ${folder} -G Ninja -DCMAKE_PREFIX_PATH=${prefix}
      -DCMAKE_CXX_COMPILER=${CXX} "-DCMAKE_CXX_FLAGS=${FLAGS}")
  run(${CMAKE_COMMAND} --build ${folder})
endfunction()

run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix})
build(${SOURCE} ${work})
run(${work}/quickstart ${prefix}/share/fare/pricing/anthropic.json)
run(${prefix}/bin/routesim price quote --model gpt-5.4 --at 2026-11-23T00:00:00Z
    --usage "{\"input\": 1}")
if(REDIS_SOURCE)
  build(${REDIS_SOURCE} ${work}/redis)
  run(${work}/redis/redis_consumer)
endif()
