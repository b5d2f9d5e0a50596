# Run by CPack on the installed files before they are packed: what Debian's policy wants otherwise than `cmake --install`
# does it for everybody.
cmake_policy(VERSION 3.25)
if(NOT CPACK_GENERATOR STREQUAL "DEB")
  return()
endif()

set(debian "${CMAKE_CURRENT_LIST_DIR}")
set(runtime "${CPACK_TEMPORARY_DIRECTORY}/runtime/usr")
set(development "${CPACK_TEMPORARY_DIRECTORY}/development/usr")

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# Man pages and changelogs are compressed, without a time, so that the same files make the same package.
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)  # SOURCE_DATE_EPOCH, where it is set
foreach(part IN ITEMS runtime development)
  set(name "macfit")
  if(part STREQUAL "development")
    set(name "libmacfit-dev")
  endif()
  set(doc "${${part}}/share/doc/${name}")
  file(MAKE_DIRECTORY "${doc}")
  file(COPY_FILE "${debian}/../copyright" "${doc}/copyright")
  file(WRITE "${doc}/changelog.Debian"
    "macfit (${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}) unstable; urgency=medium\n\n"
    "  * Packaged by CPack; what changed is in changelog.gz.\n\n"
    " -- ${CPACK_PACKAGE_CONTACT}  ${date}\n")
  run(gzip -9n "${doc}/changelog.Debian")
  file(COPY_FILE "${debian}/../../CHANGELOG.md" "${doc}/changelog")
  run(gzip -9n "${doc}/changelog")
endforeach()
file(REMOVE "${runtime}/share/doc/macfit/CHANGELOG.md")
file(RENAME "${development}/share/doc/macfit/docs/examples" "${development}/share/doc/libmacfit-dev/examples")
file(REMOVE_RECURSE "${development}/share/doc/macfit")
if(EXISTS "${runtime}/share/man")  # not where the program could not run
  run(gzip -9n "${runtime}/share/man/man1/macfit.1")
  file(RENAME "${runtime}/share/zsh/site-functions" "${runtime}/share/zsh/vendor-completions")
endif()

set(unneeded --remove-section=.comment --remove-section=.note)
run("${CPACK_MACFIT_STRIP}" ${unneeded} "${runtime}/bin/macfit")
run("${CPACK_MACFIT_STRIP}" --strip-debug ${unneeded} --enable-deterministic-archives "${development}/lib/libmacfit.a")

file(GLOB_RECURSE files LIST_DIRECTORIES OFF "${runtime}/*" "${development}/*")
foreach(file IN LISTS files)
  if(NOT file MATCHES "/bin/[^/]+$")
    file(CHMOD "${file}" FILE_PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
  endif()
endforeach()
