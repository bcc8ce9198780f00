# README shows the sources of this project word for word.
file(READ ${SOURCE_DIR}/README.md readme)
foreach(file main.cpp CMakeLists.txt)
  file(READ ${SOURCE_DIR}/tests/package/${file} text)
  string(FIND "${readme}" "\n${text}```\n" place)
  if(place EQUAL -1)
    message(FATAL_ERROR "README.md does not show tests/package/${file} as it is")
  endif()
endforeach()
