/// The part of the sandbox that is written in Lua: read-only views of shared tables, and the functions that could get
/// around them. Run once, with its arguments as named in its first line; returns the environment of scripts, that of
/// libraries, and a function to be called with true before a library is loaded and with false afterwards.
#pragma once

namespace ashlar::script {

inline constexpr char kSandboxSource[] = R"lua(
local globals, shared, compile, string_metatable, read_only_text, loading_redis = ...
local raw_set, raw_get, raw_next, raw_setmetatable, raw_getmetatable = rawset, rawget, next, setmetatable, getmetatable
local raw_error, raw_type, raw_insert, raw_remove, raw_sort = error, type, table.insert, table.remove, table.sort
local raw_pcall = pcall
local behind = raw_setmetatable({}, {__mode = 'k'})   -- view -> the table behind it
local view_of = raw_setmetatable({}, {__mode = 'k'})  -- and back

local function refuse() raw_error(read_only_text, 3) end

local function view(target, index)
  local made = view_of[target]
  if made then return made end
  made = {}
  behind[made], view_of[target] = target, made
  return raw_setmetatable(made, {__index = index or target, __newindex = function() raw_error(read_only_text, 2) end})
end

local shown_metatable, shown_string_metatable = view({})

globals.setmetatable = function(target, metatable)
  if behind[target] then refuse() end
  return raw_setmetatable(target, metatable)
end
globals.getmetatable = function(target)
  if behind[target] then return shown_metatable end
  local found = raw_getmetatable(target)
  if found == string_metatable then return shown_string_metatable end
  return found
end
globals.rawset = function(target, key, value)
  if behind[target] then refuse() end
  return raw_set(target, key, value)
end
globals.rawget = function(target, key) return raw_get(behind[target] or target, key) end
globals.next = function(target, key) return raw_next(behind[target] or target, key) end
local next_of = globals.next
globals.pairs = function(target)
  if behind[target] then return next_of, target, nil end
  if raw_type(target) ~= 'table' then raw_error("bad argument #1 to 'pairs' (table expected, got " .. raw_type(target) .. ')', 2) end
  return raw_next, target, nil
end
shared.table.move = nil  -- not of Lua 5.1; asks no metatable
for name, change in raw_next, {insert = raw_insert, remove = raw_remove, sort = raw_sort} do
  shared.table[name] = function(target, ...)
    if behind[target] then refuse() end
    return change(target, ...)
  end
end

-- As in Redis: who catches an error object with a text gets the text.
local function caught(ok, ...)
  if ok then return ok, ... end
  local problem = ...
  local text = raw_type(problem) == 'table' and raw_get(problem, 'err')
  if raw_type(text) == 'string' or raw_type(text) == 'number' then return false, text end
  return false, problem
end
globals.pcall = function(...) return caught(raw_pcall(...)) end
-- The handler is called when the stack is unwound: LuaJIT would call that of a killed script inside of the hook, where
-- nothing can end it. Without the debug library no script sees a difference.
local function handled(handler, ok, ...)
  if ok then return ok, ... end
  local fine, value = raw_pcall(handler, (...))
  if fine then return false, value end
  return false, 'error in error handling'
end
globals.xpcall = function(call, handler, ...) return handled(handler, raw_pcall(call, ...)) end

-- What Lua 5.1 keeps of Lua 5.0 and LuaJIT does not.
shared.math.mod, shared.string.gfind = shared.math.fmod, shared.string.gmatch
shared.table.setn = function() raw_error("'setn' is obsolete", 2) end

local environment
globals.loadstring = function(text, name) return compile(environment, text, name) end
globals.load = function(source, name)
  if raw_type(source) == 'string' then return compile(environment, source, name) end
  local parts = {}
  while true do
    local part = source()
    if part == nil or part == '' then break end
    raw_insert(parts, part)
  end
  return compile(environment, shared.table.concat(parts), name or '=(load)')
end

for name, library in raw_next, shared do globals[name] = view(library) end
string_metatable.__index = shared.string
shown_string_metatable = view({__index = globals.string})
local strict = {__index = function(_, name)
  raw_error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
end}
raw_setmetatable(globals, strict)
environment = view(globals)
globals._G = environment

-- The environment of libraries: while they are loaded they may register functions and little else.
local loading = {redis = view(raw_setmetatable(loading_redis, strict))}
loading.server = loading.redis
raw_setmetatable(loading, strict)
local library, library_metatable = {}, {__index = globals, __newindex = function() raw_error(read_only_text, 2) end}
raw_setmetatable(library, library_metatable)
behind[library] = globals
return environment, library, function(is_loading)
  library_metatable.__index = is_loading and loading or globals
  behind[library] = is_loading and loading or globals
end
)lua";

}  // namespace ashlar::script
