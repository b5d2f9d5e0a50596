# macfit_batches: sources compiled several at a time, so that the headers they share are parsed once for all of them
# and what they instantiate alike is compiled once. A batch holds sources of one room; those that parse JSON
# (*_json.cpp) have batches of their own, so that no other includes its dear header unseen. MACFIT_UNITY=OFF compiles
# each source alone, as the preset clang does: that finds an include that is missing.

function(macfit_batches target)
  if(NOT MACFIT_UNITY)
    return()
  endif()
  set(most 12)
  get_target_property(sources ${target} SOURCES)
  foreach(source IN LISTS sources)
    string(REPLACE "${PROJECT_SOURCE_DIR}/" "" path "${source}")
    if(NOT path MATCHES "^[a-z]+/([a-z_]+)/.*\\.cpp$")
      continue()
    endif()
    set(batch "${CMAKE_MATCH_1}")
    if(path MATCHES "_json\\.cpp$")
      string(APPEND batch "_json")
    endif()
    if(NOT DEFINED count_${batch})
      set(count_${batch} 0)
    endif()
    math(EXPR number "${count_${batch}} / ${most}")
    math(EXPR count_${batch} "${count_${batch}} + 1")
    set_property(SOURCE "${source}" PROPERTY UNITY_GROUP "${batch}_${number}")
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
endfunction()
